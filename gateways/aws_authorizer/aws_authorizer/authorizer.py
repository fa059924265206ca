"""The verdict, in the form that API Gateway wants it."""

import logging
import re
from typing import Final

from aws_authorizer.events import Call, read_event
from aws_authorizer.settings import Settings
from tokens.checker import CheckedKey
from tokens.jws import InvalidToken

log = logging.getLogger("aws_authorizer")
NOBODY: Final = "nobody"


class Unauthorized(Exception):
    """API Gateway answers 401 to an error with exactly this message, 500 to any other."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Authorizer:
    """Answers events; made once a process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def answer(self, event: object) -> dict[str, object]:
        """Return the policy, or for payload 2.0 the simple response where that is configured.

        Raises Unauthorized (401) for a missing or bad key wherever an answer is a policy; a good key that
        lacks scopes is denied (403). Raises BadEvent and Unavailable, which are 500: they are no verdict.
        """
        call = read_event(event)
        key = self._key(call)
        if call.version == "2.0" and self._settings.simple_responses:
            return self._simple(call, key)
        if key is None:
            raise Unauthorized
        return self._policy(call, key)

    def _key(self, call: Call) -> CheckedKey | None:
        try:
            if call.token is None:
                raise InvalidToken("missing", "there is no token, or there are several")
            return self._settings.checker.check(call.token)
        except InvalidToken as exc:
            log.info("refused: %s", exc.code)  # a code of ours, nothing of the token
            return None

    def _simple(self, call: Call, key: CheckedKey | None) -> dict[str, object]:
        if key is None:
            return {"isAuthorized": False}
        denied = self._denied(key)
        allowed = denied is not None and not any(_matches(pattern, call.route) for pattern in denied)
        return {"isAuthorized": allowed, "context": _context(key)}

    def _policy(self, call: Call, key: CheckedKey) -> dict[str, object]:
        """A policy for all routes of the stage, as it is cached and used for the next route too.

        What the key may not do is denied by name: a statement that denies wins over one that allows.
        """
        denied, stage = self._denied(key), call.stage_arn
        if denied is None:
            statements = [_statement("Deny", [f"{stage}/*"])]
        else:
            statements = [_statement("Allow", [f"{stage}/*"])]
            if denied:
                statements.append(_statement("Deny", [f"{stage}/{pattern}" for pattern in denied]))
        return {
            "principalId": key.user or NOBODY,
            "policyDocument": {"Version": "2012-10-17", "Statement": statements},
            "context": _context(key),
        }

    def _denied(self, key: CheckedKey) -> list[str] | None:
        """The patterns of routes whose scopes the key lacks; None when it lacks what all routes need."""
        if key.lacks(self._settings.required_scopes):
            return None
        return [route.pattern for route in self._settings.routes if key.lacks(route.scopes)]


def _statement(effect: str, resources: list[str]) -> dict[str, object]:
    return {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resources}


def _context(key: CheckedKey) -> dict[str, object]:
    """Flat text, as REST APIs ask; ``$context.authorizer.customer`` and so on for what is behind."""
    return {
        "customer": key.customer,
        "user": key.user,
        "key_id": key.key_id,
        "scopes": " ".join(sorted(key.scopes)),
    }


def _matches(pattern: str, route: str) -> bool:
    """As policies match: ``*`` is any characters, slashes too."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), route, re.DOTALL) is not None
