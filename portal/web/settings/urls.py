"""Paths under ``/settings``."""

from django.urls import path

from portal.web.settings.profile import profile
from portal.web.settings.security import security

urlpatterns = [
    path("settings", profile, name="settings"),
    path("settings/security", security, name="security"),
]
