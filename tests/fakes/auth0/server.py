"""The tenant's HTTPS side: the API, the token endpoint, and controls of a dashboard's kind."""

import math
import ssl
import time
from typing import Any

import trustme

from tests.fakes.auth0 import clients
from tests.fakes.auth0.oauth import TokenEndpoint, parsed
from tests.fakes.auth0.refusals import error, refused
from tests.fakes.auth0.routes import routed
from tests.fakes.auth0.setup import Setup
from tests.fakes.auth0.tenant import Tenant
from tests.fakes.faults import Faults
from tests.fakes.faulty import Answer, FaultyServer, Refused, Request, Work

OTHER_PORTAL = "https://another.example.com"


class Auth0(FaultyServer):
    """Connections are kept; each shakes hands in its own thread."""

    keeps_connections = True
    limited = "/api/"
    spared = "/.well-known/"

    def __init__(self, port: int, setup: Setup) -> None:
        super().__init__(port, setup.control_token)
        origin = f"https://127.0.0.1:{self.server_port}"
        ledger = setup.ledger()
        self._tenant = Tenant(ledger, frozenset(setup.api_scopes), f"{origin}/api/v2/", self.counts)
        self._tenant.shown.append(setup.client_secret)
        self._tokens = TokenEndpoint(
            self._tenant, f"{origin}/", setup.client_id, setup.client_secret, setup.scopes
        )
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(setup.ca_file)
        authority.issue_cert("127.0.0.1").configure_cert(self._tls)

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.count("connections")
        with self._tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def accept(self, request: Request) -> Work:
        """Refusals are the work of what is refused: limits and faults come before them."""
        try:
            return self._accepted(request)
        except Refused as refusal:
            answer = refusal.answer
            return lambda: answer

    def failure(self, status: int, why: str) -> Any:
        return error(status, why, "too_many_requests" if status == 429 else "")

    def odd(self, body: dict[str, Any]) -> dict[str, Any]:
        return body if "access_token" in body else super().odd(body)

    def limit_headers(self, reset_seconds: int) -> dict[str, str]:
        reset = math.ceil(time.time() + reset_seconds)
        limit = str(self.dice.faults.rate_burst)
        return {
            "x-ratelimit-limit": limit, "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset),
        }  # fmt: skip

    def set_faults(self, faults: Faults) -> None:
        self._tenant.lookup_lag_seconds = faults.lookup_lag_seconds
        super().set_faults(faults)

    def control(self, request: Request) -> Answer:
        body = request.json()
        return self._tenant.locked(lambda: self._controlled(request, body))()

    def _accepted(self, request: Request) -> Work:
        match request.method, request.parts:
            case "POST", ["oauth", "token"]:
                self.count("POST oauth/token")
                body = parsed(request)
                return self._tenant.locked(lambda: self._tokens.answer(body))
            case "GET", [".well-known", "jwks.json"]:
                return lambda: (200, self._tokens.jwks)
            case _, ["api", "v2", *parts]:
                granted = self._tokens.granted(request)
                route, ids = routed(request.method, parts)
                self.count(route.name)
                call = route.admit(request, ids, granted)
                return self._tenant.locked(lambda: route.run(self._tenant, call))
        raise refused(404, "Not Found")

    def _controlled(self, request: Request, body: Any) -> Answer:
        tenant = self._tenant
        match request.method, request.parts[1:]:
            case "POST", ["strangers"]:
                tenant.ledger.commit_all(clients.new(_stranger(n))[0] for n in range(body["count"]))
            case "POST", ["strays"]:
                line, secret = clients.new(_stray(body["portal"]))
                tenant.ledger.commit_all([line])
                return 200, {"client_id": line["id"], "client_secret": secret}
            case "POST", ["accepts"]:
                return 200, {"accepted": tenant.truth.accepts(body["secret"])}
            case "PUT", ["scopes"]:
                self._tokens.scopes = tuple(body["scopes"])
            case "POST", ["revoke-tokens"]:
                self._tokens.revoke_all()
            case "PUT", ["limits"]:
                tenant.applications = body["applications"]
            case "GET", ["secrets"]:
                return 200, {"secrets": tenant.shown}
            case "DELETE", ["clients"]:
                named = tenant.truth.found("clients", "name", dict(request.query)["name"])
                for id in named:
                    tenant.delete("clients", id)
                return 200, {"deleted": len(named)}
            case "DELETE", ["objects", kind, id]:
                tenant.living(kind, id, "no such object")
                tenant.delete(kind, id)
            case _:
                return super().control(request)
        return 200, {}


def _stranger(number: int) -> dict[str, Any]:
    """Somebody else's application; every second is another portal's."""
    asked: dict[str, Any] = {"name": f"stranger {number}", "app_type": "non_interactive"}
    if number % 2:
        tags = {"marker": f"stranger-{number}", "key": f"key_stranger_{number}", "customer": "ext-other"}
        asked["client_metadata"] = {"portal": OTHER_PORTAL, **tags}
    return asked


def _stray(portal: str) -> dict[str, Any]:
    tags = {"marker": "stray", "key": "key_stray", "customer": "ext-stray", "portal": portal}
    return {"name": "Latchkey stray", "app_type": "non_interactive", "client_metadata": tags}
