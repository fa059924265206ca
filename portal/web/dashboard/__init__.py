"""``/dashboard``: what a customer's people see first."""
