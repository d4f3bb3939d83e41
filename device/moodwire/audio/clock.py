"""When was a sample heard? Packets come late and in bursts; samples come evenly."""

from __future__ import annotations

DRIFT = 3e-4
"""Seconds per second by which a sound card may run slower than the computer's clock."""

STALL_SECONDS = 0.5
"""A packet that is later than this did not come late: the sound in between is missing."""


class CaptureClock:
    """Follows the earliest arrivals, since a block can come late but not early."""

    def __init__(self, rate: int, stall_seconds: float = STALL_SECONDS) -> None:
        self._rate = rate
        self._stall_seconds = stall_seconds
        self._origin: float | None = None
        self._position = 0
        self.gaps = 0
        """How often capture stood still and then went on."""

    def arrived(self, now: float, position: int, lost: bool = False) -> None:
        """At `now`, all samples before `position` had been heard; `lost`: and some in between
        were not, so that these are later than their number says."""
        candidate = now - position / self._rate
        if self._origin is None:
            self._origin = candidate
        elif candidate - self._origin > self._stall_seconds:
            self._origin = candidate
            self.gaps += 1
        elif lost:
            self._origin = max(candidate, self._origin)
        else:
            later = self._origin + DRIFT * (position - self._position) / self._rate
            self._origin = min(candidate, later)
        self._position = position

    def time_of(self, position: int) -> float:
        """Monotonic seconds at which this sample was heard."""
        return (self._origin or 0.0) + position / self._rate
