"""Group commit: callers who wait at the same time share one transaction."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(eq=False)
class _Waiting(Generic[Asked, Answer]):
    asked: Asked
    answers: list[Answer] = field(default_factory=list)
    """The one answer, once there is one."""
    error: BaseException | None = None

    @property
    def is_done(self) -> bool:
        return bool(self.answers) or self.error is not None


class GroupCommit(Generic[Asked, Answer]):
    """Calls ``run`` for all who wait: one at a time in this process, each time for at most ``most`` callers.

    ``run`` gives an answer for each, in order, and has committed them when it returns; what it raises
    is raised to everybody in the group. Who comes alone waits for nobody: a group grows only while
    the one before it is committed. There is no thread of its own: the first who waits does the work.
    """

    def __init__(self, run: Callable[[Sequence[Asked]], Sequence[Answer]], *, most: int) -> None:
        self._run, self._most = run, most
        self._queue: deque[_Waiting[Asked, Answer]] = deque()
        self._turn = Lock()

    def __call__(self, asked: Asked) -> Answer:
        mine = _Waiting[Asked, Answer](asked)
        self._queue.append(mine)
        while not mine.is_done:
            with self._turn:
                if not mine.is_done:
                    self._serve()
        if mine.error is not None:
            raise mine.error
        return mine.answers[0]

    def _serve(self) -> None:
        group = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
        try:
            answers = self._run([waiting.asked for waiting in group])
        except BaseException as exc:  # whatever it is: who waits must hear of it, or waits for ever
            for waiting in group:
                waiting.error = exc
            return
        for waiting, answer in zip(group, answers, strict=True):
            waiting.answers.append(answer)
