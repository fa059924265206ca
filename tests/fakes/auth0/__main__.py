"""``python -m tests.fakes.auth0 [PORT]``: prints its port, then serves until stdin ends.

So it ends with whoever started it. What it starts with comes from ``FAKE_AUTH0_SETUP``.
"""

import os
import sys

from tests.fakes.auth0.server import Auth0
from tests.fakes.auth0.setup import Setup
from tests.fakes.faulty import serve


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = Auth0(port, Setup.from_environ(os.environ))
    print(server.server_port, flush=True)
    serve(server)
    sys.stdin.read()


if __name__ == "__main__":
    main()
