"""What gateways have to know of this portal, and what to tell who connects one."""

import re

from django.conf import settings

from portal.core.errors import Invalid
from portal.core.plugins import jwt_config, signing_source
from portal.core.recipes import COMPANY_CLAIM, Recipe, Values
from portal.models import SigningKey
from portal.services.signing_keys.sync import managed_algorithm
from tokens.jwk import HMAC

_PLAIN = re.compile(r"[A-Za-z0-9._~:/?@+=%-]*")
"""What every configuration language takes as it stands, in quotes or without."""
_PLAIN_CLAIM = re.compile(r"\w+", re.ASCII)


def audiences() -> tuple[str, ...]:
    """Whom this portal's keys are for; empty when they name nobody."""
    config = jwt_config()
    return config.audience if config is not None else ()


def values_of_this_portal(*, audience: str | None = None) -> Values:
    """What recipes are filled with. One query.

    A gateway asks for one audience: the first one unless ``audience`` names another. Raises
    ``Invalid`` for one that no key carries, as the gateway would refuse every key.
    """
    config, base_url = jwt_config(), settings.PORTAL_BASE_URL
    if audience is not None and audience not in audiences():
        known = ", ".join(audiences()) or "nobody; PLUGIN_JWT_AUDIENCE names whom"
        raise Invalid.field("audience", f"this portal's keys are for {known}")
    return Values(
        portal=base_url,
        issuer=config.issuer if config is not None else base_url,
        audience=audience or next(iter(audiences()), None),
        algorithms=_published_algorithms(),
        company_claim=config.company_id_field if config is not None else COMPANY_CLAIM,
    )


def _published_algorithms() -> tuple[str, ...]:
    """Those of the keys in the JWKS, the one that signs first."""
    source = signing_source()
    keys = sorted(
        SigningKey.objects.published().order_by("id"),
        key=lambda key: (key.state != SigningKey.State.ACTIVE, key.source != source),
    )
    return tuple(dict.fromkeys(key.algorithm for key in keys)) or (managed_algorithm(),)


def remarks(recipe: Recipe, values: Values) -> list[str]:
    """What is special about this gateway at this portal: a sentence each, the worst first."""
    verifies = bool(recipe.algorithms)
    found = [_no_jwt_keys(), _shared_secret() if verifies else "", _unverifiable(recipe, values)]
    if recipe.needs_audience and values.audience is None:
        found.append(
            f"{recipe.title} takes no key without an audience, and this portal's have none: "
            "set PLUGIN_JWT_AUDIENCE."
        )
    if values.portal.startswith("http:"):
        found.append("This portal speaks http. Most gateways fetch keys over https only.")
    if verifies and values.issuer != values.portal:
        found.append(
            "PLUGIN_JWT_ISSUER differs from the portal's address, which is what discovery names: "
            "configure issuer and JWKS URL, not a discovery URL."
        )
    if verifies and len(audiences()) > 1:
        found.append(f"Keys are for {', '.join(audiences())}. This asks for {values.audience}.")
    return [*filter(None, found), *_unusual(values)]


def _no_jwt_keys() -> str:
    if jwt_config() is not None:
        return ""
    return (
        "The plugin jwt is not enabled, so this portal signs no keys. Keys of other plugins are verified "
        "where those are made."
    )


def _shared_secret() -> str:
    config = jwt_config()
    if config is None or config.algorithm not in HMAC:
        return ""
    return (
        f"Keys are signed with {config.algorithm}, a shared secret, which is not in the JWKS: this "
        "configuration refuses them. Choose another PLUGIN_JWT_ALGORITHM, or a gateway that asks the portal."
    )


def _unverifiable(recipe: Recipe, values: Values) -> str:
    lacking = recipe.unverifiable(values)
    if not lacking:
        return ""
    able = ", ".join(recipe.algorithms)
    if values.algorithms[0] in lacking:
        return (
            f"{recipe.title} can't verify {values.algorithms[0]}, with which this portal signs: it refuses "
            f"every key. It verifies {able}: choose one of them as PLUGIN_JWT_ALGORITHM."
        )
    return (
        f"{recipe.title} can't verify {', '.join(lacking)}, which is in the JWKS as well: keys signed with "
        f"that are refused. It verifies {able}."
    )


def _unusual(values: Values) -> list[str]:
    """Values that a file's syntax may take for something else; nobody's mistake, but worth a look."""
    found = []
    for name, value in (("The issuer", values.issuer), ("The audience", values.audience or "")):
        if not _PLAIN.fullmatch(value):
            found.append(f"{name} has characters that may need escaping: look at where it stands.")
    if not _PLAIN_CLAIM.fullmatch(values.company_claim):
        found.append(
            f"The claim {values.company_claim} has characters that some gateways read as a path: "
            "look at where it stands."
        )
    return found
