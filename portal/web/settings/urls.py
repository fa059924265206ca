"""Paths under ``/settings``."""

from django.urls import path

from portal.web.settings.access_tokens.listing import access_tokens
from portal.web.settings.access_tokens.making import new_access_token
from portal.web.settings.access_tokens.revoking import revoke
from portal.web.settings.deletion import delete, goodbye
from portal.web.settings.download import download, personal_data
from portal.web.settings.notifications import notifications
from portal.web.settings.profile import profile
from portal.web.settings.security import security, sign_out_elsewhere, sign_out_of

urlpatterns = [
    path("settings", profile, name="settings"),
    path("settings/security", security, name="security"),
    path("settings/security/sign-out", sign_out_elsewhere, name="sign-out-elsewhere"),
    path("settings/security/sign-out/<int:id>", sign_out_of, name="sign-out-of"),
    path("settings/notifications", notifications, name="notifications"),
    path("settings/tokens", access_tokens, name="access-tokens"),
    path("settings/tokens/new", new_access_token, name="new-access-token"),
    path("settings/tokens/<slug:id>/revoke", revoke, name="revoke-access-token"),
    path("settings/data", personal_data, name="personal-data"),
    path("settings/data/download", download, name="download-personal-data"),
    path("settings/data/delete", delete, name="delete-account"),
    path("goodbye", goodbye, name="goodbye"),
]
