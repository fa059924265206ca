"""An identity provider as allauth sees it, and the protocol's steps where we are stricter."""

import hashlib
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


class OIDCAdapter(OpenIDConnectOAuth2Adapter):
    """Fetches what the provider publishes and tells; raises ``OAuth2Error`` for whatever doesn't fit."""

    @property
    def openid_config(self) -> dict[str, Any]:
        if not hasattr(self, "_openid_config"):
            self._openid_config = _checked(super().openid_config, self.get_provider().server_url)
        return self._openid_config

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        """Never on the request's Host."""
        path = reverse("openid_connect_callback", kwargs={"provider_id": self.provider_id})
        return f"{settings.PORTAL_BASE_URL}{path}"

    def get_access_token_data(self, request: HttpRequest, app: Any, client: Any, **options: Any) -> Any:
        """A provider that names itself in its answer has to be the one that was asked (RFC 9207)."""
        issuer = self.openid_config["issuer"]
        if request.GET.get("iss", issuer) != issuer:
            raise OAuth2Error("the answer comes from another issuer")
        return super().get_access_token_data(request, app, client, **options)

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        """The claims of the ID token, and the userinfo when it is about the same person (Core 5.3.2)."""
        encoded = kwargs["response"].get("id_token")
        if not isinstance(encoded, str):
            raise OAuth2Error("no ID token")
        claims = self._decode_id_token(app, encoded)
        profile = self._fetch_user_info(token.token)
        if not isinstance(profile, dict) or profile.get("sub") != claims.get("sub"):
            raise OAuth2Error("the userinfo is about somebody else")
        told = profile if profile.get("email") else claims
        known = {
            "iss": claims["iss"], "sub": claims["sub"], "email": told.get("email"),
            "email_verified": told.get("email_verified"), "name": profile.get("name") or claims.get("name"),
        }  # fmt: skip
        return self.get_provider().sociallogin_from_response(request, known)


def _checked(config: Any, address: str) -> dict[str, Any]:
    """What was published at ``address``; it has to be the issuer that was asked (Discovery 4.3)."""
    if not isinstance(config, dict) or not all(isinstance(config.get(name), str) for name in _ENDPOINTS):
        raise OAuth2Error("no discovery document")
    issuer = config.get("issuer")
    if not isinstance(issuer, str) or not address.startswith(f"{issuer.rstrip('/')}/.well-known/"):
        raise OAuth2Error("the discovery document names another issuer")
    if not settings.DEVELOPMENT and not all(config[name].startswith("https://") for name in _ENDPOINTS):
        raise OAuth2Error("an endpoint is not https")
    return config


class OIDCProvider(OpenIDConnectProvider):
    oauth2_adapter_class = OIDCAdapter

    def serialize(self) -> dict[str, Any]:
        """By its own name: two providers may know us by the same client id."""
        return {"id": self.sub_id, "app.client_id": self.app.client_id}

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        """Nothing that the request asks for; who is in already has to show again who it is."""
        return {"prompt": "login"} if request.user.is_authenticated else {}

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        return list(self.get_scope())

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Issuer and subject together name a person (Core 5.7): another issuer's ``sub`` is another's."""
        subject = data.get("sub")
        if not isinstance(subject, str) or not subject:
            raise OAuth2Error("no subject")
        return hashlib.sha256(f"{data['iss']} {subject}".encode()).hexdigest()

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        """Proven only where the provider says so; some write the boolean as text."""
        email = data.get("email")
        if not isinstance(email, str) or not email:
            return []
        verified = data.get("email_verified") in (True, "true")
        return [EmailAddress(email=email.lower(), verified=verified, primary=True)]

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        email, name = data.get("email"), data.get("name")
        return {
            "email": email if isinstance(email, str) else None,
            "name": name if isinstance(name, str) else "",
        }

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return data
