"""Django's own admin, under our name and theme."""

from django.contrib.admin import AdminSite


class PortalAdminSite(AdminSite):
    site_header = site_title = "Latchkey"
    index_title = "Overview"
