"""Keys in Django REST framework: ``KeyAuthentication`` and ``HasScopes``; settings as in Django."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from latchkey_verifier.django import portal_verifier
from latchkey_verifier.verifier import PortalVerifier, Refused, insufficient_scope
from tokens.checker import CheckedKey


@dataclass(frozen=True)
class KeyUser:
    """``request.user`` behind a key: who it belongs to, no row of your database and never staff."""

    key: CheckedKey
    is_authenticated = is_active = True
    is_anonymous = is_staff = is_superuser = False

    @property
    def pk(self) -> str:
        """The user's id at the portal; throttles count by it."""
        return self.key.user

    def __str__(self) -> str:
        return self.pk


class KeyAuthentication(BaseAuthentication):
    """``request.user`` is a KeyUser and ``request.auth`` the CheckedKey.

    Requests without Bearer are left to other authentications. ``verifier`` is for a second portal.
    """

    verifier: PortalVerifier | None = None

    def authenticate(self, request: Request) -> tuple[KeyUser, CheckedKey] | None:
        authorization = request.headers.get("Authorization", "")
        if [scheme.lower() for scheme in authorization.split(maxsplit=1)[:1]] != ["bearer"]:
            return None
        try:
            key = (self.verifier or portal_verifier()).key(authorization)
        except Refused as exc:
            raise _Answer(exc) from None
        return KeyUser(key), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScopes(BasePermission):
    """Lets in keys with all of the view's ``required_scopes``, a list; an empty one asks for a key alone."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        required = getattr(view, "required_scopes", None)
        if not isinstance(required, Iterable) or isinstance(required, str):
            raise ImproperlyConfigured(f"{type(view).__name__}.required_scopes is no list of scopes.")
        scopes = list(required)
        if not isinstance(request.auth, CheckedKey):
            return False
        if request.auth.lacks(scopes):
            # Not False: a challenge has to name the scopes (RFC 6750 3.1), and PermissionDenied has none.
            raise _Answer(insufficient_scope(scopes))
        return True


class _Answer(APIException):
    """DRF's exception handler makes the headers of ``auth_header`` and ``wait``."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.detail, refused.code)
        self.status_code = refused.status
        self.auth_header = refused.headers.get("WWW-Authenticate")
        self.wait = int(refused.headers.get("Retry-After", 0))
