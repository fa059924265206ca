"""The token status lists as bytes: each is read from the database once a signing."""

import json
from collections.abc import Iterable

from portal.core.well_known import status_list_uri
from portal.models import StatusList
from portal.published.snapshot import Bytes, Refreshed, digested

ALL = ""
"""Stands for the list of lists among the names."""


class StatusLists:
    """Every list there is, by its number as paths have it; one small query a second at most.

    What was signed since the last look is read, the others stay as they are. Memory is bounded by
    what was issued: at most 240 KB for each million keys.
    """

    def __init__(self) -> None:
        self._held: dict[int, tuple[int, Bytes]] = {}
        self._snapshot = Refreshed(self._read)

    def get(self) -> dict[str, Bytes] | None:
        """The lists by name, or None when they have never been read."""
        return self._snapshot.get()

    def _read(self) -> dict[str, Bytes]:
        """One thread at a time looks; readers keep the dictionary that they were given."""
        present = dict(StatusList.objects.values_list("number", "revision"))
        held = {number: kept for number, kept in self._held.items() if present.get(number) == kept[0]}
        changed = StatusList.objects.filter(number__in=present.keys() - held.keys())
        for number, revision, token in changed.values_list("number", "revision", "token"):
            held[number] = (revision, digested(token.encode()))
        self._held = held
        lists = {str(number): list_bytes for number, (_, list_bytes) in held.items()}
        return {**lists, ALL: digested(_aggregation(held))}


def _aggregation(numbers: Iterable[int]) -> bytes:
    """The list of lists (section 9.3 of the draft)."""
    uris = [status_list_uri(number) for number in sorted(numbers)]
    return json.dumps({"status_lists": uris}, separators=(",", ":")).encode()
