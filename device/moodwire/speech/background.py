"""What the room sounds like when nothing happens, so that the gate sleeps while it goes on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

GROUP = 4
"""Frames judged together: 64 ms."""

FLOOR_RISE = np.float32(0.0625)
"""Nats per group that a band's floor may rise: 4 dB a second, slower than speech has gaps."""

FLOOR_HEADROOM = np.float32(3.0)
"""Nats under the first group where the floor starts: a recording may begin with speech."""

AWAKE_EXCESS = np.float32(0.45)
"""Mean nats above the floor under which a group is background, whatever it looks like."""


class Background:
    """Each band's floor falls with the quietest group at once and rises slowly.

    All of it is additive in nats, so a gain moves the floor with the frames and cancels out.
    """

    def __init__(self, bands: int) -> None:
        self._floor = np.empty(bands, dtype=np.float32)
        self._carry = np.empty((GROUP, bands), dtype=np.float32)
        self.reset()

    def reset(self) -> None:
        self._started = False
        self._carried = 0

    def push(self, logmel: Array) -> list[bool]:
        """Of each group that these frames complete: whether it stands out."""
        joined = np.concatenate((self._carry[: self._carried], logmel))
        groups = len(joined) // GROUP
        self._carried = len(joined) - groups * GROUP
        self._carry[: self._carried] = joined[groups * GROUP :]
        bands = joined.shape[1]
        means = np.add.reduce(joined[: groups * GROUP].reshape(groups, GROUP, bands), axis=1)
        means *= np.float32(1 / GROUP)
        return [self._stands_out(mean) for mean in means]

    def _stands_out(self, mean: Array) -> bool:
        floor = self._floor
        if not self._started:
            np.subtract(mean, FLOOR_HEADROOM, out=floor)
            self._started = True
        floor += FLOOR_RISE
        np.minimum(floor, mean, out=floor)
        excess = float(np.add.reduce(mean)) - float(np.add.reduce(floor))
        return excess > float(AWAKE_EXCESS) * len(mean)
