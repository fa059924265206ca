"""The staff's door: Django's own admin, with our theme. One noun a file."""
