"""What the phone-token service runs with; ``settings.TOKEN_SERVICE``, None while it is off."""

from dataclasses import dataclass, field

from portal.core.limits import Limit


@dataclass(frozen=True)
class TokenService:
    """``key`` signs with HS256; ``needs_bearer``: only for management tokens with ``tokens:write``."""

    issuer: str
    key: bytes = field(repr=False)
    address_limit: Limit
    phone_limit: Limit
    needs_bearer: bool = False
