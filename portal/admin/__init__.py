"""The staff's door: Django's own admin, with our theme. One noun a file.

``admin.autodiscover()`` imports this package, and each of these modules registers its noun.
"""
