"""``python -m tests.fakes.provider LEDGER [PORT]``: prints its port, then serves until stdin ends.

So it ends with whoever started it. The admin token comes from ``FAKE_PROVIDER_TOKEN``.
"""

import os
import sys
from pathlib import Path

from tests.fakes.faulty import serve
from tests.fakes.ledger import Ledger
from tests.fakes.provider.ledger import Truth
from tests.fakes.provider.server import Provider


def main() -> None:
    ledger = Ledger(Path(sys.argv[1]), Truth())
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    provider = Provider(port, ledger, os.environ["FAKE_PROVIDER_TOKEN"])
    print(provider.server_address[1], flush=True)
    serve(provider)
    sys.stdin.read()


if __name__ == "__main__":
    main()
