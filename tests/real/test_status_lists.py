"""A key's claim leads to its bit, at a portal that really runs, as a gateway sees it: PyJWT and zlib alone."""

import base64
import json
import zlib
from typing import Any

import jwt

from tests.real.http_calls import request
from tests.real.portal import Owner, Portal
from tests.real.waiting import eventually

SECONDS = 15
"""Far more than it takes, for machines that are busy: how fast it is, is measured elsewhere."""


def place(key: dict[str, Any]) -> dict[str, Any]:
    """Where the key's own claim says that its status is."""
    claims = jwt.decode(key["secret"], options={"verify_signature": False})
    return dict(claims["status"]["status_list"])


def fetched(portal: Portal, uri: str) -> dict[str, Any]:
    """The list's claims, verified with the JWKS as the draft asks."""
    answer = request(uri, headers={"Accept": "application/statuslist+jwt"})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/statuslist+jwt"
    token = answer.body.decode()
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "statuslist+jwt"
    keys = {key["kid"]: jwt.PyJWK(key) for key in portal.get("/.well-known/jwks.json").json()["keys"]}
    signing = keys[header["kid"]]
    claims = jwt.decode(
        token, signing, algorithms=[signing.algorithm_name], options={"require": ["sub", "iat", "exp", "ttl"]}
    )
    assert claims["sub"] == uri
    return dict(claims)


def status(portal: Portal, key: dict[str, Any]) -> int:
    """The key's bit (section 8.3 of the draft)."""
    told = place(key)
    claim = fetched(portal, told["uri"])["status_list"]
    assert claim["bits"] == 1
    octets = zlib.decompress(base64.urlsafe_b64decode(claim["lst"] + "=" * (-len(claim["lst"]) % 4)))
    return octets[told["idx"] // 8] >> told["idx"] % 8 & 1


def test_a_revoked_key_is_invalid_soon(portal: Portal, owner: Owner) -> None:
    revoked, other = portal.issue(owner), portal.issue(owner)
    assert place(revoked)["uri"] == place(other)["uri"]
    assert (status(portal, revoked), status(portal, other)) == (0, 0)
    assert portal.api("POST", f"/keys/{revoked['id']}/revoke").status in (200, 202)
    eventually(lambda: status(portal, revoked) == 1, "its bit is 1", seconds=SECONDS)
    assert status(portal, other) == 0


def test_a_replaced_key_is_invalid_when_the_overlap_ends(portal: Portal, owner: Owner) -> None:
    old = portal.issue(owner)
    assert portal.api("POST", f"/keys/{old['id']}/rotate", {"overlap": "2s"}).status == 201
    eventually(lambda: status(portal, old) == 1, "its bit is 1", seconds=SECONDS)


def test_after_an_emergency_the_list_is_signed_by_the_next_key(portal: Portal, owner: Owner) -> None:
    key = portal.issue(owner)
    portal.manage("revoke_signing_key", key["kid"], "--reason", "test")

    def settled() -> bool:
        """List and JWKS are fresh each by itself: for a second the one may be ahead of the other."""
        signed_by = jwt.get_unverified_header(request(place(key)["uri"]).body.decode())["kid"]
        return signed_by != key["kid"] and signed_by in portal.kids()

    eventually(settled, "another published key signed the list", seconds=SECONDS)
    eventually(lambda: status(portal, key) == 1, "its bit is 1", seconds=SECONDS)


def test_discovery_leads_to_every_list(portal: Portal, owner: Owner) -> None:
    metadata = portal.get("/.well-known/openid-configuration").json()
    lists = json.loads(request(metadata["status_list_aggregation_endpoint"]).body)["status_lists"]
    assert place(portal.issue(owner))["uri"] in lists
    for uri in lists:
        fetched(portal, uri)


def test_hostile_names_are_not_found(portal: Portal) -> None:
    for name in ("1", "-1", "%00", "%2e%2e", "9" * 4000, "0%20OR%201=1", "%C2%B2", "0/0"):
        answer = portal.get(f"/.well-known/status-lists/{name}")
        assert answer.status in (400, 404, 414), name
