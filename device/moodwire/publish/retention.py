"""Which of the waiting events give way: pure, the time is handed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from moodwire.config import Outbox as Settings
from moodwire.publish.clock import Stamp


@dataclass(frozen=True, slots=True)
class Limits:
    """Of what may wait at once."""

    events: int
    bytes: int
    seconds: float


def limits_from(settings: Settings) -> Limits:
    return Limits(settings.events, settings.kilobytes * 1000, settings.hours * 3600.0)


@dataclass(frozen=True, slots=True)
class Slot:
    """What must be known of an event to decide about it."""

    size: int
    since: float
    """On the monotonic clock of this boot, also for events of an earlier one."""


class Retention:
    """The waiting events by key, oldest first. The oldest give way."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._slots: dict[int, Slot] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._slots)

    def after(self, key: int, count: int) -> list[int]:
        """The oldest `count` keys above `key`."""
        if not self._slots or key < next(iter(self._slots)):
            return list(islice(self._slots, count))
        return list(islice((each for each in self._slots if each > key), count))

    def admit(self, key: int, slot: Slot) -> list[int]:
        """Keys that give way for it; its own where it alone is too large."""
        self._slots[key] = slot
        self.bytes += slot.size
        return list(self._overflow())

    def limit(self, limits: Limits) -> list[int]:
        """Keys that give way because less may wait from now on."""
        self._limits = limits
        return list(self._overflow())

    def forget(self, key: int) -> None:
        """It was delivered, or nobody can read it any more."""
        if (slot := self._slots.pop(key, None)) is not None:
            self.bytes -= slot.size

    def expire(self, now: float) -> list[int]:
        """Keys that have waited for too long."""
        late: list[int] = []
        while self._slots:
            key, slot = next(iter(self._slots.items()))
            if now - slot.since <= self._limits.seconds:
                break
            self.forget(key)
            late.append(key)
        return late

    def _overflow(self) -> Iterator[int]:
        while self._slots and (
            len(self._slots) > self._limits.events or self.bytes > self._limits.bytes
        ):
            oldest = next(iter(self._slots))
            self.forget(oldest)
            yield oldest


def waiting_since(stamp: Stamp, now: Stamp) -> float:
    """When an event that was found on disk began to wait, on this boot's monotonic clock.

    Across boots only wall clocks can be compared, and only where both were set: a Pi that starts
    with a wrong date must not take fresh events for old ones. In doubt an event is young.
    """
    if stamp.boot == now.boot:
        return min(stamp.monotonic, now.monotonic)
    if stamp.synchronised and now.synchronised:
        return now.monotonic - max(0.0, now.wall - stamp.wall)
    return now.monotonic
