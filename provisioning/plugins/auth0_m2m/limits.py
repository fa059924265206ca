"""Auth0's rate limits: which kind of call shares a limit with which, on each of its plans.

Source: Auth0, Rate Limit Configurations (Free, Self Service, Enterprise). On the way a call can overtake
another and come too early: so a little less than the limit is used, and a burst is one less.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from provisioning.config import ConfigError, GetConfig, text
from provisioning.contract import Rate

SHARE = 0.95


class Kind(StrEnum):
    """What a call does, as far as limits tell calls apart."""

    ORGANIZATION_WRITE = "organization writes"
    ORGANIZATION_BY_NAME = "organizations by name"
    ORGANIZATION_GRANT = "organization grants"
    MEMBER = "members"
    USER_READ = "user reads"
    USER_WRITE = "user writes"
    CLIENT_READ = "client reads"
    OTHER = "other calls"


@dataclass(frozen=True)
class Limit:
    """``bucket`` is the name of the limit that the call counts for."""

    bucket: str
    rate: Rate


Limits = Mapping[Kind, Limit]


def _together(per_second: float, burst: int) -> Limits:
    limit = Limit("all calls", Rate(per_second * SHARE, max(burst - 1, 1)))
    return dict.fromkeys(Kind, limit)


def _apart(**limits: tuple[int, int]) -> Limits:
    """From (burst, calls a minute) by kind."""
    return {
        Kind[name]: Limit(Kind[name], Rate(per_minute / 60 * SHARE, burst - 1))
        for name, (burst, per_minute) in limits.items()
    }


_SELF_SERVICE = _apart(
    ORGANIZATION_WRITE=(5, 25), ORGANIZATION_BY_NAME=(10, 100), ORGANIZATION_GRANT=(5, 150),
    MEMBER=(20, 200), USER_READ=(40, 500), USER_WRITE=(20, 200), CLIENT_READ=(5, 100), OTHER=(10, 150),
)  # fmt: skip
PLANS: Mapping[str, Limits] = {
    "free": _together(2, 2),
    "essentials": _SELF_SERVICE,
    "professional": _SELF_SERVICE,
    "enterprise": _together(16, 50),
}


def limits(get_config: GetConfig, variable: str) -> Limits:
    """The limits of the plan that ``variable`` names, or of ``N/s``: so many calls a second in all."""
    wanted = text(get_config, variable, "free").lower()
    if re.fullmatch(r"[1-9][0-9]{0,4}/s", wanted):
        return _together(int(wanted.removesuffix("/s")), 1)
    if wanted not in PLANS:
        raise ConfigError(variable, f"must be one of {', '.join(PLANS)}, or a rate such as 20/s")
    return PLANS[wanted]
