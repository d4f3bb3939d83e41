"""All log-mel frames of all clips in one array, and windows cut from it in batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moodwire_training.windows import SILENCE, total_power

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

# A frame belongs to the utterance when it is within this many nats (26 dB) of the loud frames.
EXTENT_NATS = 6.0


@dataclass(frozen=True)
class FrameBank:
    """Clips laid end to end; `first` and `last` bound what is spoken within each clip."""

    frames: Floats
    offset: Ints
    length: Ints
    first: Ints
    last: Ints

    @classmethod
    def build(cls, frames: Floats, offset: Ints, length: Ints) -> FrameBank:
        loudness = np.log(total_power(np.exp(frames)) + np.exp(SILENCE))
        first = np.zeros_like(length)
        last = length.copy()
        for clip, (start, count) in enumerate(zip(offset, length, strict=True)):
            level = loudness[start : start + count]
            loud = np.flatnonzero(level > np.quantile(level, 0.97) - EXTENT_NATS)
            if len(loud):
                first[clip], last[clip] = loud[0], loud[-1] + 1
        return cls(frames, offset, length, first, last)

    def windows(self, clips: Ints, positions: NDArray[np.float64]) -> Floats:
        """Log-mel at fractional frame `positions` [B, T] within each clip; silence outside it."""
        below = np.floor(positions).astype(np.int64)
        share = (positions - below).astype(np.float32)[:, :, None]
        limit = self.length[clips][:, None] - 1
        offset = self.offset[clips][:, None]
        low = self.frames[offset + np.clip(below, 0, limit)]
        high = self.frames[offset + np.clip(below + 1, 0, limit)]
        low += share * (high - low)
        low[(positions < 0) | (positions > limit)] = SILENCE
        return low
