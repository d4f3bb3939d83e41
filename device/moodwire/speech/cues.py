"""What the gate looks at: groups of frames, measured against the background and the loud parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

GROUP = 4
"""Frames judged together. At 16 ms a frame, the gate forms an opinion every 64 ms."""

CUES = GROUP + 1
"""Numbers for each band of a group."""

FLOOR_RISE = np.float32(0.0625)
"""Nats per group that a band's floor may rise: 4 dB a second, slower than speech has gaps."""

FLOOR_HEADROOM = np.float32(3.0)
"""Nats under the first group where the floor starts: a recording may begin with speech."""

PEAK_FALL = 0.125
"""Nats per group that the peak level falls: 8 dB a second."""

EXCESS_LIMIT = np.float32(8.0)
"""Nats above the floor beyond which nothing more is learnt."""

SHAPE_RANGE = np.float32(10.0)
"""Nats below the peak level that are looked at."""

AWAKE_EXCESS = np.float32(0.45)
"""Mean nats above the floor under which a group is background, whatever it looks like."""


class Cues:
    """Groups of raw log-mel frames to numbers between 0 and 1 that a gain does not change.

    Two recursions in time: each band's floor falls with the quietest group at once and rises
    slowly; the peak level rises at once and falls slowly. Both are additive in nats, so a gain
    moves them with the frames and cancels out.
    """

    def __init__(self, bands: int) -> None:
        self._floor = np.zeros(bands, dtype=np.float32)
        self._peak: float | None = None

    def reset(self) -> None:
        self._peak = None

    def push(self, groups: Array) -> tuple[Array, NDArray[np.bool_]]:
        """(groups, GROUP, bands) to (groups, bands, CUES), and which groups are not background.

        A band's cues are its GROUP frames below the peak level, then its excess over the floor.
        """
        means = np.add.reduce(groups, axis=1)
        means *= np.float32(1 / GROUP)
        excess = np.empty_like(means)
        peaks = self._follow(means, excess)
        awake = np.add.reduce(excess, axis=1) > AWAKE_EXCESS * np.float32(groups.shape[2])
        cues = np.empty((len(groups), groups.shape[2], CUES), dtype=np.float32)
        shape = groups - peaks
        np.maximum(shape, -SHAPE_RANGE, out=shape)
        np.multiply(shape.transpose(0, 2, 1), 1 / SHAPE_RANGE, out=cues[:, :, :GROUP])
        np.minimum(excess, EXCESS_LIMIT, out=excess)
        np.multiply(excess, 1 / EXCESS_LIMIT, out=cues[:, :, GROUP])
        return cues, awake

    def _follow(self, means: Array, excess: Array) -> Array:
        """Write each band's excess over its floor; return the peak level of every group."""
        floor = self._floor
        loudest = np.maximum.reduce(means, axis=1).tolist()
        if self._peak is None:
            np.subtract(means[0], FLOOR_HEADROOM, out=floor)
            self._peak = loudest[0]
        peak = self._peak
        for index, mean in enumerate(means):
            np.add(floor, FLOOR_RISE, out=floor)
            np.minimum(floor, mean, out=floor)
            np.subtract(mean, floor, out=excess[index])
            peak = max(peak - PEAK_FALL, loudest[index])
            loudest[index] = peak
        self._peak = peak
        return np.array(loudest, dtype=np.float32)[:, None, None]
