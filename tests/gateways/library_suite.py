"""What a recipe has to show beyond the table when a library verifies in an API server: no check is left out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt

from tests.gateways.api_server import ApiServer
from tests.gateways.gateway import configured, running
from tests.gateways.issuer import JWKS, Issuer
from tests.gateways.suite import RecipeSuite
from tests.real.portal import free_port


@contextmanager
def serving_recipe(
    name: str, issuer: Issuer, folder: Path, *, command: list[str], port_line: str, environ: dict[str, str]
) -> Iterator[ApiServer]:
    """Run the recipe's server in ``folder``; ``port_line`` is where port 8000 stands in it."""
    port = free_port()
    configured(
        name, folder, issuer.values, upstream="127.0.0.1:1", ca_file=issuer.ca_file, port=port,
        replaced={port_line: port_line.replace("8000", str(port))},
    )  # fmt: skip
    with running(command, folder=folder, port=port, environ=environ) as gateway:
        yield ApiServer(**vars(gateway))


class LibrarySuite(RecipeSuite):
    refused_without: tuple[dict[str, Any], ...] = (
        {"exp": None}, {"iss": None}, {"aud": None}, {"sub": None}, {"org_id": None}, {"nbf": 4000000000},
        {"exp": "4000000000"},
    )  # fmt: skip
    """Claims that a key has to have, or else is refused."""

    def test_a_claim_that_is_missing_or_yet_to_come_is_refused(
        self, gateway: ApiServer, issuer: Issuer
    ) -> None:
        for changed in self.refused_without:
            assert gateway.call(issuer.token(**changed)).status == 401, changed

    def test_an_algorithm_that_the_key_was_not_published_for_is_refused(
        self, gateway: ApiServer, issuer: Issuer
    ) -> None:
        key = issuer.active
        for algorithm in ("RS512", "PS256"):
            token = jwt.encode(issuer.claims(), key.private, algorithm, headers={"kid": key.kid})
            assert gateway.call(token).status == 401, algorithm

    def test_a_list_of_audiences_is_read(self, gateway: ApiServer, issuer: Issuer) -> None:
        other = "https://other.example.net"
        assert gateway.reached(issuer.token(aud=[other, issuer.audience]))
        assert gateway.call(issuer.token(aud=[other])).status == 401

    def test_who_sends_no_key_learns_what_is_wanted(self, gateway: ApiServer) -> None:
        answer = gateway.call(None)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_keys_pass_while_the_portal_is_away(self, gateway: ApiServer, issuer: Issuer) -> None:
        assert gateway.reached(issuer.token())
        issuer.away = True
        try:
            assert gateway.call(issuer.token(kid="unknown")).status == 401
            assert gateway.reached(issuer.token())
        finally:
            issuer.away = False

    def test_a_key_seen_before_costs_the_portal_nothing(self, gateway: ApiServer, issuer: Issuer) -> None:
        assert gateway.reached(issuer.token())
        before = issuer.fetched[JWKS]
        for _ in range(5):
            assert gateway.reached(issuer.token())
        assert issuer.fetched[JWKS] == before
