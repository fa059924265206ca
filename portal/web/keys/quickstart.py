"""The first commands to try with a key, told by what the key is and not by its plugin."""

from dataclasses import dataclass

from portal.models import IssuedKey


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
                'curl https://<the API you use>/ \\\n  -H "Authorization: Bearer $API_KEY"',
            ),
        ]
    if token_url := key.public.get("token_url"):
        audience = key.public.get("audience", "")
        return [
            Step("Put the secret where your software finds it:", "export CLIENT_SECRET='…'"),
            Step(
                "Exchange it for an access token:",
                f"curl {token_url} \\\n  -d grant_type=client_credentials \\\n"
                f"  -d client_id={key.public.get('client_id', '')} \\\n"
                '  --data-urlencode "client_secret=$CLIENT_SECRET"'
                + (f" \\\n  -d audience={audience}" if audience else ""),
            ),
            Step(
                "Call the API with what comes back as access_token:",
                'curl https://<the API you use>/ \\\n  -H "Authorization: Bearer $ACCESS_TOKEN"',
            ),
        ]
    return [
        Step("Put the secret where your software finds it:", "export API_KEY='…'"),
        Step(
            "Send it in the header that the API asks for, often apikey or X-API-Key:",
            'curl https://<the API you use>/ \\\n  -H "apikey: $API_KEY"',
        ),
    ]
