"""The provider's HTTP side: the admin token, and which area a request belongs to."""

from tests.fakes.faults import Faults
from tests.fakes.faulty import Answer, FaultyServer, Refused, Request, Work
from tests.fakes.ledger import Ledger
from tests.fakes.provider.ledger import Truth
from tests.fakes.provider.resources import Resources


class Provider(FaultyServer):
    """One admin token for the API and for its control."""

    spared = "/v1/accepts"
    """A gateway asks this, not the portal: it never fails."""

    def __init__(self, port: int, ledger: Ledger[Truth], admin_token: str) -> None:
        super().__init__(port, admin_token)
        self._resources = Resources(ledger)

    def accept(self, request: Request) -> Work:
        if request.headers["Authorization"] != f"Bearer {self.control_token}":
            raise Refused(401, {"problem": "who are you?"})
        area, *parts = request.parts
        if area != "v1":
            raise Refused(404, {"problem": "no such API"})
        return self._resources.accept(request.method, parts, dict(request.query), request.json())

    def control(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", "/control/strangers"):
            return super().control(request)
        self._resources.add_strangers(request.json()["count"])
        return 200, {}

    def set_faults(self, faults: Faults) -> None:
        self._resources.lookup_lag_seconds = faults.lookup_lag_seconds
        super().set_faults(faults)
