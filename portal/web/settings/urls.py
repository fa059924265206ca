"""Paths under ``/settings``."""

from django.urls import path

from portal.web.settings.access_tokens import access_tokens
from portal.web.settings.notifications import notifications
from portal.web.settings.personal_data import personal_data
from portal.web.settings.profile import profile
from portal.web.settings.security import security

urlpatterns = [
    path("settings", profile, name="settings"),
    path("settings/security", security, name="security"),
    path("settings/notifications", notifications, name="notifications"),
    path("settings/tokens", access_tokens, name="access-tokens"),
    path("settings/data", personal_data, name="personal-data"),
]
