"""``/activity``: a customer's own audit log."""
