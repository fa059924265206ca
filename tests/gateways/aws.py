"""API Gateway's events, and what its answers mean."""

import json
import re
from pathlib import Path
from typing import Any

from aws_authorizer.authorizer import Authorizer, Unauthorized
from aws_authorizer.settings import load_settings

from tests.gateways.issuer import Issuer

EVENTS = {
    path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "aws_events").glob("*.json")
}
WANT_POLICY = [name for name in EVENTS if name != "http-api-2.0"]
SECRET = "a shared secret of forty characters long"
Answer = dict[str, Any]


def made(issuer: Issuer, **environ: str) -> Authorizer:
    given = {"ISSUER": issuer.url, "AUDIENCE": issuer.audience or "", "STATUS_LISTS": "off", **environ}
    return Authorizer(load_settings(given))


def event(kind: str, authorization: Any, **changed: Any) -> dict[str, Any]:
    """One of the samples with that header; None leaves it out."""
    made = json.loads(json.dumps(EVENTS[kind]))
    if kind == "rest-token":
        made["authorizationToken"] = authorization
    else:
        made.pop("identitySource", None)
        made.pop("authorizationToken", None)
        for headers, value in (("headers", authorization), ("multiValueHeaders", [authorization])):
            if headers in made:
                del made[headers]["Authorization"]
                if authorization is not None:
                    made[headers]["Authorization"] = value
    return made | changed


def permits(policy: Answer, arn: str) -> bool:
    """As IAM evaluates: a statement that denies wins, what none allows is denied."""
    effects = {
        statement["Effect"]
        for statement in policy["policyDocument"]["Statement"]
        for resource in statement["Resource"]
        if re.fullmatch(re.escape(resource).replace(r"\*", ".*").replace(r"\?", "."), arn, re.DOTALL)
    }
    return effects == {"Allow"}


def arn_of(kind: str) -> str:
    return str(EVENTS[kind].get("methodArn") or EVENTS[kind]["routeArn"])


def allowed(authorizer: Authorizer, asked: Any) -> bool:
    """The verdict, whatever its form."""
    try:
        answer = authorizer.answer(asked)
    except Unauthorized:
        return False
    if "isAuthorized" in answer:
        return bool(answer["isAuthorized"])
    return permits(answer, asked.get("methodArn") or asked["routeArn"])
