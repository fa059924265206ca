"""What both modules for Apache have in common."""

from tests.gateways.gateway import Gateway
from tests.gateways.issuer import JWKS, Issuer
from tests.gateways.proxy_suite import ProxySuite


class ApacheSuite(ProxySuite):
    # They know no nbf, which the portal never writes.
    refused_without = ({"exp": None}, {"iss": None}, {"aud": None}, {"org_id": None}, {"sub": None})

    def test_each_unknown_kid_costs_the_portal_a_fetch(self, gateway: Gateway, issuer: Issuer) -> None:
        """As the README says: the portal has to take it."""
        assert gateway.reached(issuer.token())
        before = issuer.fetched[JWKS]
        for _ in range(3):
            assert gateway.call(issuer.token(kid="unknown")).status == 401
        assert issuer.fetched[JWKS] == before + 3

    def test_keys_pass_while_the_portal_is_away(self, gateway: Gateway, issuer: Issuer) -> None:
        assert gateway.reached(issuer.token())
        issuer.away = True
        try:
            assert gateway.call(issuer.token(kid="unknown")).status == 401
            assert gateway.reached(issuer.token())
        finally:
            issuer.away = False
