"""UTC for moments that were measured with a clock that never jumps.

The sound's times are monotonic. They become UTC only when a message is written, with the distance
between the two clocks as it is then: a wall clock that is set in between moves no duration.

A Raspberry Pi has no clock battery: until the network has told it the time, its wall clock is
wrong by minutes or years. Messages of that time say so (`clock_synchronised` false). Those that
still wait in the outbox when the clock is set, and were heard since the same boot, are put right
before they are sent (`clock_corrected` true): their monotonic time was true all along. What has
left the device by then stays as it was told.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

STEADY_SECONDS: Final = 0.05
"""Slower drift than this is followed without shifting times that were told before."""

STATUS_UNSYNCHRONISED: Final = 0x0040
"""STA_UNSYNC of adjtimex(2)."""

TIMESYNC_MARKER: Final = "run/systemd/timesync/synchronized"
BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something was heard, and what was known of the time of day then."""

    boot: str
    """Monotonic times of different boots cannot be compared."""

    monotonic: float
    offset: float
    """Wall clock minus monotonic clock, in seconds."""

    synchronised: bool

    @property
    def wall(self) -> float:
        return self.monotonic + self.offset

    def at(self, monotonic: float) -> Stamp:
        """Another moment, by what was known of the time of day at this one."""
        return replace(self, monotonic=monotonic)


class Clock(Protocol):
    """What the composer and the outbox need to know of time."""

    def monotonic(self) -> float: ...

    def wall(self, moment: float) -> float:
        """UTC at that monotonic time."""
        ...

    def stamp(self, moment: float) -> Stamp: ...


def utc(seconds: float) -> datetime:
    """Milliseconds are finer than any mood and shorter than what float arithmetic makes."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def clock_is_set(root: Path = Path("/")) -> bool:
    """Whether something keeps this machine's clock right.

    The marker is systemd-timesyncd's. For other services the kernel is asked; under a sandbox
    that forbids asking (ProtectClock) only the marker counts, and without it the answer is no.
    """
    if (root / TIMESYNC_MARKER).exists():
        return True
    if (root / TIMESYNC_MARKER).parent.exists():
        return False
    return not (_kernel_clock_status() & STATUS_UNSYNCHRONISED)


def _kernel_clock_status() -> int:
    """The status word of struct timex, which begins: unsigned modes; long offset, freq,
    maxerror, esterror; int status. With modes 0 nothing is changed."""
    word = ctypes.sizeof(ctypes.c_long)
    buffer = ctypes.create_string_buffer(512)
    if _libc().adjtimex(buffer) < 0:
        return STATUS_UNSYNCHRONISED
    return ctypes.c_int.from_buffer(buffer, 5 * word).value


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def boot_id() -> str:
    try:
        return Path(BOOT_ID).read_text().strip()
    except OSError:
        return f"process-{os.getpid()}-{time.monotonic_ns()}"


@dataclass(slots=True)
class WallClock:
    """The machine's clocks."""

    read_wall: Callable[[], float] = time.time
    read_monotonic: Callable[[], float] = time.monotonic
    is_set: Callable[[], bool] = clock_is_set
    boot: str = field(default_factory=boot_id)
    _offset: float | None = field(default=None, init=False)

    def monotonic(self) -> float:
        return self.read_monotonic()

    def wall(self, moment: float) -> float:
        return moment + self._steady_offset()

    def stamp(self, moment: float) -> Stamp:
        return Stamp(self.boot, moment, self._steady_offset(), self.is_set())

    def _steady_offset(self) -> float:
        offset = self.read_wall() - self.read_monotonic()
        if self._offset is None or abs(offset - self._offset) > STEADY_SECONDS:
            self._offset = offset
        return self._offset


@dataclass(frozen=True, slots=True)
class RecordingClock:
    """The time inside a recording, which began at `start`; for replays that repeat exactly."""

    start: datetime

    def monotonic(self) -> float:
        return 0.0

    def wall(self, moment: float) -> float:
        return moment + self.start.timestamp()

    def stamp(self, moment: float) -> Stamp:
        return Stamp("recording", moment, self.start.timestamp(), True)
