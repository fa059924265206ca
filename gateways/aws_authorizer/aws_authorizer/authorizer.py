"""The verdict, in the form that API Gateway wants it."""

import logging

from aws_authorizer.events import Call, read_event
from aws_authorizer.settings import Route, Settings
from tokens.checker import CheckedKey
from tokens.jws import InvalidToken

log = logging.getLogger("aws_authorizer")


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
        if call.route_key is not None and self._settings.simple_responses:
            return self._simple(call.route_key, key)
        if key is None:
            raise Unauthorized
        return self._policy(call.stage_arn, key)

    def _key(self, call: Call) -> CheckedKey | None:
        try:
            if call.token is None:
                raise InvalidToken("missing", "there is no token, or there are several")
            return self._settings.checker.check(call.token)
        except InvalidToken as exc:
            log.info("refused: %s", exc.code)  # a code of ours, nothing of the token
            return None

    def _simple(self, route_key: str, key: CheckedKey | None) -> dict[str, object]:
        """By the route's name alone, as that is what the verdict is cached by."""
        if key is None:
            return {"isAuthorized": False}
        routes = self._settings.routes
        named = next((route for route in routes if route.name == route_key), None)
        allowed = self._has_required(key) and (not routes or (named is not None and _may(key, named)))
        return {"isAuthorized": allowed, "context": _context(key)}

    def _policy(self, stage_arn: str, key: CheckedKey) -> dict[str, object]:
        """A policy for all routes of the stage, as it is cached and used for the caller's next route too.

        With routes of their own scopes those are allowed or denied by name and nothing else is allowed: a
        path spelled in another way is none of them. A denial wins where two patterns match.
        """
        routes = self._settings.routes
        if not self._has_required(key):
            statements = [_statement("Deny", [f"{stage_arn}/*"])]
        elif not routes:
            statements = [_statement("Allow", [f"{stage_arn}/*"])]
        else:
            statements = [
                _statement(
                    effect, [f"{stage_arn}/{pattern}" for route in chosen for pattern in route.patterns]
                )
                for effect, chosen in (
                    ("Allow", [route for route in routes if _may(key, route)]),
                    ("Deny", [route for route in routes if not _may(key, route)]),
                )
                if chosen
            ]
        return {
            "principalId": key.user,
            "policyDocument": {"Version": "2012-10-17", "Statement": statements},
            "context": _context(key),
        }

    def _has_required(self, key: CheckedKey) -> bool:
        return not key.lacks(self._settings.required_scopes)


def _may(key: CheckedKey, route: Route) -> bool:
    return not key.lacks(route.scopes)


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
