"""Starting the identity provider."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any, Self

from tests.real.required import NODE, require, require_node

CLIENT_ID, CLIENT_SECRET = "latchkey", "a client secret of the tests"


class OIDCProcess:
    """``people`` are claims by subject. Ended by leaving the context.

    ``issuer_host`` is what it calls itself; it listens at 127.0.0.1 in any case.
    """

    def __init__(
        self, people: Mapping[str, Mapping[str, Any]], *redirect_uris: str, issuer_host: str = "127.0.0.1"
    ) -> None:
        require_node()
        require(
            (NODE / "node_modules" / "oidc-provider").is_dir(), "oidc-provider is missing: run npm ci there"
        )
        options = {"people": people, "redirectUris": redirect_uris, "issuerHost": issuer_host}
        self._process = subprocess.Popen(
            ["node", "--no-warnings", "oidc-provider.mjs", json.dumps(options)],
            cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = ""
        while not line.strip().isdigit():
            line = self._process.stdout.readline()
            assert line, "the identity provider did not start"
        self.url = f"http://127.0.0.1:{line.strip()}"

    def variables(self, name: str) -> dict[str, str]:
        """What makes a portal offer it as ``name``."""
        return {
            f"OIDC_{name}_ISSUER": self.url,
            f"OIDC_{name}_CLIENT_ID": CLIENT_ID,
            f"OIDC_{name}_CLIENT_SECRET": CLIENT_SECRET,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
