"""What a recipe has to show beyond the table when the gateway forwards requests: what reaches the API."""

from typing import Any

from tests.gateways.gateway import Gateway
from tests.gateways.issuer import SCOPE, USER, Issuer
from tests.gateways.suite import REFUSED, RecipeSuite
from tests.real.http_calls import request


class ProxySuite(RecipeSuite):
    refused_without: tuple[dict[str, Any], ...] = (
        {"exp": None}, {"iss": None}, {"aud": None}, {"org_id": None}, {"nbf": 4000000000},
    )  # fmt: skip
    """Claims that a key has to have, or else is refused."""

    def test_the_api_learns_user_and_scopes_but_not_the_key(self, gateway: Gateway, issuer: Issuer) -> None:
        reached = gateway.reached(issuer.token())
        assert reached["x-user-id"] == USER
        assert reached["x-scopes"] == SCOPE
        assert "authorization" not in reached

    def test_what_a_caller_writes_does_not_stand_for_an_absent_claim(
        self, gateway: Gateway, issuer: Issuer
    ) -> None:
        reached = gateway.reached(issuer.token(scope=None), x_scopes="everything")
        assert not reached.get("x-scopes")

    def test_a_header_spelled_with_underscores_does_not_pass(self, gateway: Gateway, issuer: Issuer) -> None:
        sent = {"Authorization": f"Bearer {issuer.token()}", "X_Org_Id": "somebody-else"}
        answer = request(f"http://127.0.0.1:{gateway.port}/orders", headers=sent)
        assert b"somebody-else" not in answer.body

    def test_a_claim_that_is_missing_or_yet_to_come_is_refused(
        self, gateway: Gateway, issuer: Issuer
    ) -> None:
        for changed in self.refused_without:
            assert gateway.call(issuer.token(**changed)).status in REFUSED, changed

    def test_a_key_in_the_address_is_not_read(self, gateway: Gateway, issuer: Issuer) -> None:
        assert gateway.call(None, f"/orders?access_token={issuer.token()}").status == 401
