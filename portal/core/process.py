"""Names this process so that others can tell, on the same host, whether it is gone.

A lease ends when its owner is known to be dead: after a crash and restart on one host nobody
waits for it to run out. Across hosts, or where /proc is missing, only the lease's time counts.
"""

import os
import socket
from functools import cache
from pathlib import Path


@cache
def _host() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        return f"{socket.gethostname()}/{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str | None:
    """The process's start in clock ticks since boot; None when it is not there."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def this_process() -> str:
    """``host pid start``: unique among all processes there ever are."""
    pid = os.getpid()
    return f"{_host()} {pid} {_started(pid)}"


def is_gone(owner: str) -> bool:
    """True when ``owner`` is known to have ended; False when it lives or nobody can tell."""
    host, _, rest = owner.rpartition(" ")[0].rpartition(" ")
    started = owner.rpartition(" ")[2]
    if host != _host() or started == "None" or not rest.isdecimal():
        return False
    return _started(int(rest)) != started
