"""What the campaign puts into the portal's processes: a hook at every fail point.

Python imports this at start when the folder is on PYTHONPATH. An order is an empty file
``$LATCHKEY_FAULT_ORDERS/<role>/<kill or freeze>/<fail point>``; the process that renames it away
first obeys it. A clock step is a number of seconds in ``$LATCHKEY_FAULT_ORDERS/clock``.
"""

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from itertools import count

import portal.core.clock as clock
from portal.core.failpoints import on_failpoint

ORDERS = os.environ["LATCHKEY_FAULT_ORDERS"]
ROLE = os.environ["LATCHKEY_FAULT_ROLE"]
_number = count(1)


def _obey(name: str) -> None:
    for action in ("kill", "freeze"):
        hit = f"{ORDERS}/hit/{name}.{action}.{ROLE}.{os.getpid()}.{next(_number)}"
        try:
            os.rename(f"{ORDERS}/{ROLE}/{action}/{name}", hit)
        except OSError:
            continue
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        while not os.path.exists(f"{hit}.go"):  # the harness stops the process at a good moment
            time.sleep(0.01)


def _stepped_time() -> datetime:
    """The calendar as the operator's clock shows it; uptime stays as it is, as on a real host."""
    present = datetime.now(UTC)
    try:
        with open(f"{ORDERS}/clock") as file:
            return present + timedelta(seconds=float(file.read() or 0))
    except OSError:
        return present


on_failpoint(_obey)
if os.environ.get("LATCHKEY_FAULT_CLOCK"):
    # In place of the system's clock, not of a test's: only then is uptime told apart from it.
    clock._system_time = clock._read = _stepped_time
