"""What every recipe has to show, whatever the gateway: subclass, and give a context manager ``start``."""

from pathlib import Path

import pytest

from tests.gateways.bad_tokens import BAD
from tests.gateways.conftest import Start
from tests.gateways.gateway import Gateway
from tests.gateways.issuer import CUSTOMER, Issuer
from tests.gateways.upstream import Upstream

REFUSED = (401, 403)


class RecipeSuite:
    """The issue's table: a row for each test here.

    A subclass's module defines ``start(issuer, upstream, folder)``, a context manager that runs the gateway;
    the fixture ``gateway`` is made with it.
    """

    header = "x-org-id"
    """What carries the customer to the API."""

    def test_a_good_key_passes_and_says_whose_it_is(self, gateway: Gateway, issuer: Issuer) -> None:
        assert gateway.reached(issuer.token())[self.header] == CUSTOMER

    def test_what_a_caller_writes_into_the_header_does_not_pass(
        self, gateway: Gateway, issuer: Issuer
    ) -> None:
        reached = gateway.reached(issuer.token(), **{self.header: "somebody-else"})
        assert reached[self.header] == CUSTOMER

    @pytest.mark.parametrize("what", BAD)
    def test_a_bad_token_is_refused(self, gateway: Gateway, issuer: Issuer, what: str) -> None:
        answer = gateway.call(BAD[what](issuer))
        assert answer.status in REFUSED, (what, answer.status, answer.body)
        assert gateway.reached(issuer.token())[self.header] == CUSTOMER  # and goes on letting others in

    def test_keys_from_before_and_after_a_rotation_pass(self, gateway: Gateway, issuer: Issuer) -> None:
        before = issuer.token()
        assert gateway.reached(before)
        issuer.rotate()
        self.renewed(gateway, issuer)
        after = issuer.token()
        assert gateway.reached(after)[self.header] == CUSTOMER
        assert gateway.reached(before)[self.header] == CUSTOMER

    def test_without_an_audience_a_good_key_passes(
        self, start: Start, upstream: Upstream, tmp_path: Path
    ) -> None:
        with (
            Issuer(tmp_path, audience=None).serving() as issuer,
            start(issuer, upstream, tmp_path) as gateway,
        ):
            assert gateway.reached(issuer.token())[self.header] == CUSTOMER

    def renewed(self, gateway: Gateway, issuer: Issuer) -> None:
        """For gateways that have to be told of new keys; the others know the staged one already."""
