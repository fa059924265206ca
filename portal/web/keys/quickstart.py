"""The first commands to try with a key, told by what the key is and not by its plugin."""

from dataclasses import dataclass
from datetime import timedelta
from shlex import quote

from portal.core.plugins import token_lifetime
from portal.models import IssuedKey
from portal.web.words import lasting

_API = "'https://<the API you use>/'"


@dataclass(frozen=True)
class Step:
    words: str
    command: str


def quickstart(key: IssuedKey, base_url: str) -> list[Step]:
    """A JWT can be tried at the portal itself; OAuth clients fetch a token first."""
    if key.jti:
        return [
            Step("Put the secret where your software finds it:", "export API_KEY='…'"),
            Step(
                f"Try it here. 204 means that it works, and X-Key-Id answers {key.public_id}:",
                f'curl -i {base_url}/api/v1/verify \\\n  -H "Authorization: Bearer $API_KEY"',
            ),
            Step(
                "Then call the API with the same header:",
                f'curl {_API} \\\n  -H "Authorization: Bearer $API_KEY"',
            ),
        ]
    if key.public.get("token_url"):
        return _client_credentials(key.public, token_lifetime(key.plugin))
    return [
        Step("Put the secret where your software finds it:", "export API_KEY='…'"),
        Step(
            "Send it in the header that the API asks for, often apikey or X-API-Key:",
            f'curl {_API} \\\n  -H "apikey: $API_KEY"',
        ),
    ]


def _client_credentials(public: dict[str, str], lifetime: timedelta | None) -> list[Step]:
    """RFC 6749 section 4.4, with nothing but a shell, curl and sed; every value may hold any character."""
    form = ["grant_type=client_credentials", f"client_id={public.get('client_id', '')}"]
    form += [f"audience={public['audience']}"] if public.get("audience") else []
    fetch = "".join(f" \\\n  --data-urlencode {quote(field)}" for field in form)
    reuse = (
        f" It works for {lasting(lifetime)}: use the same one for all calls until then." if lifetime else ""
    )
    return [
        Step("Put the secret where your software finds it:", "export CLIENT_SECRET='…'"),
        Step(
            f"Exchange it for an access token.{reuse} Only a refusal is printed:",
            f"ANSWER=$(curl -sS {quote(public['token_url'])}{fetch} \\\n"
            '  --data-urlencode "client_secret=$CLIENT_SECRET")\n'
            f"ACCESS_TOKEN=$(printf '%s' \"$ANSWER\" |\n  {_PICK})\n"
            '[ -n "$ACCESS_TOKEN" ] || printf \'%s\\n\' "$ANSWER"',
        ),
        Step(
            "Call the API with that token, as often as you like:",
            f'curl {_API} \\\n  -H "Authorization: Bearer $ACCESS_TOKEN"',
        ),
    ]


_PICK = r"""sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p'"""
