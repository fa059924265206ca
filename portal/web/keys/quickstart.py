"""The first calls with a key in four languages, told by what the key is and not by its plugin.

The templates ``portal/keys/quickstart/*.txt`` hold the programs. Each value arrives written as a literal
of the language, so that none, whatever it holds, can be more than a value there. The secret is never one.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from shlex import quote

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.plugins import token_lifetime
from portal.models import IssuedKey
from portal.web.words import lasting

PLACEHOLDER = "https://api.example.com/"
"""Stands for the operator's API where ``PORTAL_API_URL`` names none."""


@dataclass(frozen=True)
class Step:
    id: str
    words: str
    command: str


@dataclass(frozen=True)
class Snippet:
    language: str
    label: str
    hint: str | Promise
    """How to run it."""
    program: str


@dataclass(frozen=True)
class Quickstart:
    steps: tuple[Step, ...]
    words: str
    snippets: tuple[Snippet, ...]
    has_placeholder: bool


def quickstart(key: IssuedKey) -> Quickstart:
    """OAuth clients fetch a token first; a JWT can be tried at the portal itself."""
    if key.public.get("token_url"):
        return _of_client(key)
    export = Step("step-export", _("Put the secret where your software finds it:"), "export API_KEY='…'")
    if not key.jti:
        words = _("Then call the API. It may want the secret in another header than this one, apikey:")
        return _quickstart((export,), words, "secret", {}, header="apikey", scheme="")
    verify = Step(
        "step-verify",
        _("Try it here. 204 means that it works, and X-Key-Id answers %(id)s:") % {"id": key.public_id},
        f'curl -i {settings.PORTAL_BASE_URL}/api/v1/verify \\\n  -H "Authorization: Bearer $API_KEY"',
    )
    words = _("Then call the API with the same header:")
    return _quickstart((export, verify), words, "secret", {}, header="Authorization", scheme="Bearer ")


def _of_client(key: IssuedKey) -> Quickstart:
    """RFC 6749 section 4.4."""
    lifetime = token_lifetime(key.plugin)
    words = [_("Exchange it for an access token, and call the API with that.")]
    if lifetime:
        words.append(
            _("It works for %(span)s: use the same one for all calls until then.")
            % {"span": lasting(lifetime)}
        )
    export = Step(
        "step-export", _("Put the secret where your software finds it:"), "export CLIENT_SECRET='…'"
    )
    names = ("token_url", "client_id", "audience")
    values = {name: str(key.public.get(name, "")) for name in names}
    return _quickstart((export,), " ".join(words), "client", values, audience=bool(values["audience"]))


def _quickstart(
    steps: tuple[Step, ...], words: str, kind: str, values: Mapping[str, str], **context: object
) -> Quickstart:
    values = {"url": settings.PORTAL_API_URL or PLACEHOLDER, **values}
    literals: dict[str, object] = {
        language: {name: write(value) for name, value in values.items()}
        for language, write in _LITERAL.items()
    }
    shell = {name: quote(value) for name, value in values.items()}
    fields = {f"{name}_field": quote(f"{name}={value}") for name, value in values.items()}
    known = {**literals, "shell": {**shell, **fields}, **context}
    snippets = tuple(
        Snippet(
            language,
            label,
            hint,
            render_to_string(f"portal/keys/quickstart/{kind}.{language}.txt", known).strip(),
        )
        for language, label, hint in _LANGUAGES
    )
    return Quickstart(steps, words, snippets, not settings.PORTAL_API_URL)


_LITERAL: dict[str, Callable[[str], str]] = {
    "python": repr,
    "javascript": json.dumps,
    # Go knows no halves of a character (surrogates), which JSON writes beyond ASCII.
    "go": lambda value: json.dumps(value, ensure_ascii=False),
}
_LANGUAGES = (
    ("curl", "curl", gettext_lazy("Paste it into a shell.")),
    ("python", "Python", gettext_lazy("Save it as call.py and run python3 call.py.")),
    (
        "javascript",
        "JavaScript",
        gettext_lazy("Save it as call.mjs and run node call.mjs, with Node 18 or newer."),
    ),
    ("go", "Go", gettext_lazy("Save it as call.go and run go run call.go.")),
)
