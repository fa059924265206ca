"""The OpenAPI document: every operation's errors, closed bodies, ids by their form."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

_ERRORS = {
    "400": "The request can't be read.",
    "401": "No valid credentials.",
    "403": "The scope or role is missing.",
    "404": "There is no such object, or you may not see it.",
    "409": "The object's present state forbids it.",
    "410": "It was there and never will be again.",
    "413": "The body is larger than 1 MiB.",
    "415": "Another content type is needed.",
    "422": "A value is not acceptable; see errors.",
    "503": "The database doesn't answer; try again.",
}
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, pattern=r"^[\x20-\x7e]{1,255}$",
    description="A repeat within 24 hours gets the same answer, and nothing happens twice.",
)  # fmt: skip
_PREFER = OpenApiParameter(
    "Prefer", OpenApiTypes.STR, OpenApiParameter.HEADER,
    description="`wait=N`: seconds to wait for the key, 5 by default, 30 at most.",
)  # fmt: skip
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": True},
        "request_id": {"type": "string", "description": "Of a 500: what to quote."},
    },
}


class PortalSchema(AutoSchema):
    """Adds the problem answers, the standard headers and closed request bodies."""

    def get_summary(self) -> str:
        """The first sentence of the method's docstring."""
        return str(self.get_description()).split("\n")[0].split(". ")[0].rstrip(".")

    def get_override_parameters(self) -> list[Any]:
        """The headers that a POST understands."""
        parameters = list(super().get_override_parameters())
        if self.method == "POST" and not self.path.endswith(("/reveal", "/introspect", "/revoke")):
            parameters.append(_IDEMPOTENCY_KEY)
        if self.path.endswith(("/keys", "/rotate")) and self.method == "POST":
            parameters.append(_PREFER)
        return parameters

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").split("/")[0]]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        answers: dict[str, Any] = super()._get_response_bodies(direction)
        component = ResolvedComponent(  # type: ignore[no-untyped-call]  # spectacular has no types
            "Problem", ResolvedComponent.SCHEMA, schema=_PROBLEM, object="Problem"
        )
        self.registry.register_on_missing(component)
        content = {"application/problem+json": {"schema": component.ref}}
        for status in self._statuses():
            answers.setdefault(status, {"description": _ERRORS[status], "content": content})
        return dict(sorted(answers.items()))

    def _statuses(self) -> list[str]:
        statuses = ["400", "401", "403", "422", "503"]
        if "{" in self.path or self.method == "POST":
            statuses.append("404")
        if self.method in ("POST", "PATCH", "DELETE"):
            statuses += ["409", "413", "415"]
        if self.path.endswith("/reveal"):
            statuses.append("410")
        return statuses


def close_request_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Request bodies take no unknown members, and path parameters have their ids' form."""
    for name, schema in result["components"]["schemas"].items():
        if name.endswith(("In", "InRequest", "Change", "ChangeRequest", "NothingRequest")) or name.startswith(
            "Patched"
        ):
            schema["additionalProperties"] = False
    for path, operations in result["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["schema"] = {"type": "string", "pattern": _pattern(path, parameter["name"])}
    return result


def _pattern(path: str, name: str) -> str:
    prefixes = {
        "customers": "cus",
        "subscriptions": "sub",
        "keys": "key",
        "operations": "op",
        "access-tokens": "tok",
    }
    noun = path.removeprefix("/api/v1/").split("/")[0]
    if noun == "plans":
        return "^[a-z0-9][a-z0-9-]{0,63}$"
    return f"^{'usr' if name == 'user' else prefixes[noun]}_[0-9A-Za-z]{{20}}$"
