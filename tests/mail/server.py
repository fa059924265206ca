"""Mail servers for tests: one that keeps what it took, and one that fails as told."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

BACKEND = f"{__name__}.Server"


class Server(BaseEmailBackend):
    """Takes mails, unless an error waits for that recipient or for whoever connects."""

    taken: ClassVar[list[EmailMessage]] = []
    refusing: ClassVar[dict[str, Exception]] = {}
    away: ClassVar[list[Exception]] = []
    connections: ClassVar[int] = 0

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently)

    def open(self) -> bool:
        Server.connections += 1
        if self.away:
            raise self.away[0]
        return True

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        for message in messages:
            for recipient in message.to:
                if recipient in self.refusing:
                    raise self.refusing[recipient]
            self.taken.append(message)
        return len(messages)

    @classmethod
    def reset(cls) -> None:
        cls.taken.clear()
        cls.refusing.clear()
        cls.away.clear()
        cls.connections = 0
