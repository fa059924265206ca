"""``/docs``: how to call the API and how gateways verify, from templates that an operator can add to."""
