"""All paths. Gateways' paths are answered before Django: ``portal.published``."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path, register_converter
from django.urls.converters import StringConverter
from django.views.generic import RedirectView
from django.views.i18n import set_language

from portal.api.token_service import phone_token
from portal.web.branding import branding_css
from portal.web.passkeys import ConfirmPasskey

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth says


class Anything(StringConverter):
    """What is no telephone number is told so: it isn't a path that doesn't exist."""

    regex = r"[\s\S]+"


register_converter(Anything, "anything")
urlpatterns = [
    path("api/v1/", include("portal.api.urls")),
    path("v1/token/<anything:wanted>", phone_token),
    path("branding.css", branding_css, name="branding-css"),
    path("language", set_language, name="set_language"),
    # allauth's own overviews: ours is one page.
    *(
        path(f"accounts/{overview}/", RedirectView.as_view(pattern_name="security"))
        for overview in ("2fa", "2fa/webauthn", "sessions")
    ),
    path(
        "accounts/2fa/webauthn/reauthenticate/", ConfirmPasskey.as_view(), name="mfa_reauthenticate_webauthn"
    ),
    path("accounts/", include("allauth.urls")),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("", include("portal.web.urls")),
]

handler400 = "portal.web.errors.bad_request"
handler403 = "portal.web.errors.not_allowed"
handler404 = "portal.web.errors.not_found"
handler500 = "portal.web.errors.server_error"
handler429 = "portal.web.errors.too_many_requests"  # allauth's
