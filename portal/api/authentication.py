"""Who calls: a management token, or a person's browser session with CSRF protection."""

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.core.actor import Actor
from portal.core.errors import NotAllowed
from portal.core.sign_in import has_recent_sign_in, used_second_factor
from portal.models import User
from portal.services.access_tokens import authenticate
from portal.services.actors import actor_of_token, actor_of_user
from portal.services.second_factor import must_show_second_factor


class ManagementTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer lk_…`` (RFC 6750 section 2.1)."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        kind, _, text = header.partition(" ")
        token = authenticate(text.strip()) if kind.lower() == "bearer" else None
        if token is None:
            raise AuthenticationFailed("The access token is not valid.", code="invalid_token")
        return token.owner, actor_of_token(token)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BrowserSessionAuthentication(SessionAuthentication):
    """The portal's own pages: the session cookie, with CSRF checked."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        user = found[0]
        assert isinstance(user, User)
        if must_show_second_factor(user, shown=used_second_factor(request, user)):
            raise NotAllowed(
                "mfa_required",
                "Staff sign in with a second factor. Add or confirm it under /settings/security; "
                "nothing was done.",
            )
        return user, actor_of_user(user, recent_sign_in=has_recent_sign_in(request, user))


class ManagementTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # spectacular has no types
    target_class = ManagementTokenAuthentication
    name = "managementToken"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A management token, `lk_…`."}


class BrowserSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # spectacular has no types
    target_class = BrowserSessionAuthentication
    name = "browserSession"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
