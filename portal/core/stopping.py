"""Whether this process was told to end: long work looks here between its steps."""

import threading

from provisioning.errors import Transient

stopping = threading.Event()
"""Set once, when a worker is told to end."""


class Stopping(Transient):
    """This process was told to end: nothing begins any more. Nothing happened."""

    def __init__(self) -> None:
        super().__init__("worker_stopping", "The worker is ending; another goes on.")
