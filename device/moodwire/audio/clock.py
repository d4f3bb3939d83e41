"""When was a sample heard? Packets come late and in bursts; samples come evenly."""

from __future__ import annotations

from bisect import bisect_left

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

    def arrived(self, now: float, position: int, lost: bool = False) -> bool:
        """At `now`, all samples before `position` had been heard; `lost`: and some in between
        were not, so that these are later than their number says.

        Returns whether capture had stood still, and these come after a gap.
        """
        stood_still = False
        candidate = now - position / self._rate
        if self._origin is None:
            self._origin = candidate
        elif candidate - self._origin > self._stall_seconds:
            self._origin = candidate
            stood_still = True
        elif lost:
            self._origin = max(candidate, self._origin)
        else:
            later = self._origin + DRIFT * (position - self._position) / self._rate
            self._origin = min(candidate, later)
        self._position = position
        return stood_still

    def time_of(self, position: int) -> float:
        """Monotonic seconds at which this sample was heard."""
        return (self._origin or 0.0) + position / self._rate


REACH_SECONDS = 900.0
"""Of sound: nothing that is told of a pipe lies further back, but for when a long mood began."""


class Arrivals:
    """When the sound of a pipe came, for times that count its samples.

    What came later is later, however fast it came, and of one moment always the same is said.
    """

    def __init__(self) -> None:
        self._counted: list[float] = []
        self._came: list[float] = []

    def __len__(self) -> int:
        return len(self._counted)

    def note(self, begins: float, ends: float, ahead: float) -> None:
        """Sound counted from `begins` to `ends`, which is so much later than it came."""
        came = begins - ahead
        if not self or came > self._came[-1]:
            self._add(begins, came)
        self._add(ends, ends - ahead)
        if self._counted[0] < ends - 2 * REACH_SECONDS:
            old = bisect_left(self._counted, ends - REACH_SECONDS) - 1
            del self._counted[:old], self._came[:old]

    def of(self, moment: float) -> float:
        """When the sound of that moment came; something must have."""
        counted, came = self._counted, self._came
        after = bisect_left(counted, moment)
        if after == 0:
            return came[0] - (counted[0] - moment)
        if after == len(counted):
            return came[-1]
        part = (moment - counted[after - 1]) / (counted[after] - counted[after - 1])
        return came[after - 1] + part * (came[after] - came[after - 1])

    def _add(self, counted: float, came: float) -> None:
        """Neither runs backwards, whatever arithmetic they came by."""
        self._counted.append(max([counted, *self._counted[-1:]]))
        self._came.append(max([came, *self._came[-1:]]))
