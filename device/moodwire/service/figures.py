"""What the daemon counts and measures of itself."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

REMEMBERED: Final = 1_000
"""Newest measurements that a figure is made of."""


BOUNDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds; from a fast desktop to a Pi that is too slow to follow."""


class Durations:
    """The newest durations, for quantiles, and how all of them are distributed."""

    def __init__(self) -> None:
        self._seconds = array("d", bytes(8 * REMEMBERED))
        self._buckets = array("Q", bytes(8 * (len(BOUNDS) + 1)))
        self.count = 0
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        self._seconds[self.count % REMEMBERED] = seconds
        self._buckets[bisect_left(BOUNDS, seconds)] += 1
        self.count += 1
        self.sum += seconds

    def cumulated(self) -> Iterator[tuple[float, int]]:
        """For each bound, how many durations did not exceed it."""
        total = 0
        for bound, count in zip(BOUNDS, self._buckets, strict=False):
            total += count
            yield bound, total

    def quantile_ms(self, share: float) -> float | None:
        """In milliseconds; None before the first measurement."""
        known = sorted(self._seconds[: min(self.count, REMEMBERED)])
        return known[min(len(known) - 1, int(share * len(known)))] * 1e3 if known else None
