"""Level, peak, noise floor and clipping of sound as it comes in; pure, for `moodwire meter`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from moodwire.audio.source import Samples
from moodwire.diagnostics.sound import FULL_SCALE, decibels

PEAK_HOLD_SECONDS = 1.5
FLOOR_SECONDS = 10.0
FLOOR_SHARE = 0.1
"""The noise floor is the level that a tenth of the last seconds stayed under."""


@dataclass(frozen=True)
class Reading:
    """dB relative to full scale; None is digital silence."""

    level: float | None
    peak: float | None
    floor: float | None
    clipped: int
    """Samples at full scale since the beginning."""


class Levels:
    """Pushed a chunk at a time; times come from the number of samples."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._recent: deque[tuple[float, float, float]] = deque()
        self._time = 0.0
        self._clipped = 0

    def push(self, samples: Samples) -> Reading:
        self._time += len(samples) / self._rate
        magnitude = np.abs(samples)
        rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
        self._clipped += int(np.count_nonzero(magnitude >= FULL_SCALE))
        self._recent.append((self._time, rms, float(magnitude.max())))
        while self._recent[0][0] < self._time - FLOOR_SECONDS:
            self._recent.popleft()
        held = (p for time, _, p in self._recent if time > self._time - PEAK_HOLD_SECONDS)
        floor = float(np.quantile([level for _, level, _ in self._recent], FLOOR_SHARE))
        return Reading(decibels(rms), decibels(max(held)), decibels(floor), self._clipped)
