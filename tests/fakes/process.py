"""Starting a fake as a process of its own, and steering it."""

import http.client
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

CHECKOUT = Path(__file__).parents[2]


class FakeProcess:
    """Ended by leaving the context."""

    def __init__(self, module: str, *arguments: str, control_token: str, **environ: str) -> None:
        self._control_token = control_token
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=CHECKOUT, env={**os.environ, **environ},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"{module} did not start"
        self.port = int(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def set_faults(self, **faults: Any) -> None:
        """From now on exactly these (``tests.fakes.faults.Faults``); none at all without any."""
        self._call("PUT", "/control/faults", faults)

    def add_strangers(self, count: int) -> None:
        """Credentials that are none of the portal's business."""
        self._call("POST", "/control/strangers", {"count": count})

    def counts(self) -> dict[str, int]:
        """Requests, violations of the rate limit, and each fault's count so far."""
        return dict(self._call("GET", "/control/counts"))

    def is_idle(self) -> bool:
        """Whether every request has had its effect, those too whose client is gone."""
        return self.counts()["under_way"] == 0

    def _tls(self) -> ssl.SSLContext | None:
        """How to reach it; None without TLS."""
        return None

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self._control_token}", "Content-Type": "application/json"}
        status, answer = self._send(method, path, content, headers)
        assert status < 300, (status, answer)
        return answer

    def _send(self, method: str, path: str, content: str | None, headers: dict[str, str]) -> tuple[int, Any]:
        tls = self._tls()
        connection: http.client.HTTPConnection
        if tls is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        else:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=tls)
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()
