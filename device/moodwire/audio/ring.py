"""A bounded ring between the audio callback and its reader: no lock, no waiting, no growth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a read brought."""

    block: Block
    """(samples, channels), the reader's to keep."""

    position: int
    """Number of the first sample since the ring was made."""

    lost: int
    """Samples overwritten, unread, just in front of it."""


class Ring:
    """One thread writes, one reads. A slow reader loses the oldest sound, and it is counted.

    The writer says what it is about to overwrite before it does, and what it wrote only after;
    the reader copies first and then checks that nothing of it was being overwritten meanwhile.
    """

    def __init__(self, capacity: int, channels: int) -> None:
        self.capacity = capacity
        self._room = np.zeros((capacity, channels), dtype=np.float32)
        self._claimed = 0
        self._written = 0
        self._read = 0

    @property
    def written(self) -> int:
        """Samples ever written."""
        return self._written

    @property
    def waiting(self) -> int:
        """Samples that a read could bring now."""
        return min(self._written - self._read, self.capacity)

    def write(self, block: Block) -> None:
        """Called by the audio callback: copies, never waits, never raises on a full ring."""
        count = len(block)
        self._claimed = self._written + count
        if count > self.capacity:
            block = block[count - self.capacity :]
        start = (self._claimed - len(block)) % self.capacity
        first = min(len(block), self.capacity - start)
        self._room[start : start + first] = block[:first]
        self._room[: len(block) - first] = block[first:]
        self._written = self._claimed

    def read(self, most: int) -> Taken:
        """The oldest unread samples, at most that many; empty if there are none."""
        lost = 0
        while True:
            oldest = max(self._read, self._claimed - self.capacity)
            lost += oldest - self._read
            self._read = oldest
            count = max(0, min(most, self._written - oldest))
            start = oldest % self.capacity
            first = min(count, self.capacity - start)
            block = np.concatenate((self._room[start : start + first], self._room[: count - first]))
            if self._claimed - self.capacity <= oldest:
                break
        self._read = oldest + count
        return Taken(block, oldest, lost)
