"""gateways/authlib with the real library."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.gateways.api_server import ApiServer
from tests.gateways.conftest import Start
from tests.gateways.issuer import Issuer
from tests.gateways.library_suite import LibrarySuite
from tests.gateways.python_server import serving_python
from tests.gateways.upstream import Upstream


def start(issuer: Issuer, upstream: Upstream, folder: Path) -> AbstractContextManager[ApiServer]:
    return serving_python("authlib", issuer, folder)


class TestAuthlib(LibrarySuite):
    def test_without_an_audience_a_good_key_passes(
        self, start: Start, upstream: Upstream, tmp_path: Path
    ) -> None:
        """RFC 9068 wants one: the server says so and ends."""
        with (
            Issuer(tmp_path, audience=None).serving() as issuer,
            pytest.raises(AssertionError, match="such keys name an audience"),
            start(issuer, upstream, tmp_path),
        ):
            pass

    def test_a_key_that_is_none_by_rfc_9068_is_refused(self, gateway: ApiServer, issuer: Issuer) -> None:
        assert gateway.call(issuer.token(client_id=None)).status == 401  # and typ is JWT
        assert gateway.call(issuer.token(jti=None)).status == 401
