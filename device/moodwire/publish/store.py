"""Where waiting events are kept: in memory, or in a file that outlives the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from moodwire.publish.clock import Stamp


@dataclass(frozen=True, slots=True)
class Entry:
    """One event that waits."""

    key: int
    """Grows with time."""

    topic: str
    payload: bytes
    stamp: Stamp

    @property
    def size(self) -> int:
        return len(self.topic) + len(self.payload)


class Store(Protocol):
    """Called with the outbox's lock held, except for `sync`."""

    def load(self) -> tuple[list[Entry], int]:
        """What an earlier run left, oldest first, and how many it had dropped."""

    def put(self, entry: Entry) -> None: ...

    def get(self, key: int) -> Entry | None: ...

    def remove(self, key: int) -> None: ...

    def commit(self, dropped: int) -> None:
        """On return all of the above survives the end of the process, with the number dropped."""

    def sync(self) -> None:
        """On return what was committed survives a power cut."""

    @property
    def outgrown(self) -> bool:
        """It is time to fold."""
        ...

    def fold(self) -> None:
        """Make what was committed take little room; waits for the card, the less after `sync`."""

    def close(self) -> None: ...


class MemoryStore:
    """Lost with the process."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}

    def load(self) -> tuple[list[Entry], int]:
        return [], 0

    def put(self, entry: Entry) -> None:
        self._entries[entry.key] = entry

    def get(self, key: int) -> Entry | None:
        return self._entries.get(key)

    def remove(self, key: int) -> None:
        self._entries.pop(key, None)

    def commit(self, dropped: int) -> None:
        """Nothing survives."""

    def sync(self) -> None:
        """Nothing survives."""

    outgrown = False

    def fold(self) -> None:
        """Nothing is committed."""

    def close(self) -> None:
        """Nothing is open."""
