"""Clips to logits as on the device: sliding windows, aggregated where somebody speaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moodwire.features import FrontendSpec, window_features
from moodwire_training.bank import FrameBank

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

Network = Callable[[Floats], Floats]
"""Standardised features [N, frames, width] to logits [N, labels]."""

Disturbance = Callable[[np.random.Generator, Floats], Floats]
"""Raw log-mel windows to raw log-mel windows: noise, a room, another level."""

HOP_FRAMES = 24  # 0.38 s
LEAST_SPOKEN = 0.8
"""Windows count that hold at least this share of the speech that one window can hold."""
CLIPS_AT_ONCE = 64


@dataclass(frozen=True)
class Scorer:
    network: Network
    spec: FrontendSpec
    mean: Floats
    deviation: Floats

    def clip_logits(
        self, bank: FrameBank, clips: Sequence[int] | Ints, disturb: Disturbance | None = None
    ) -> Floats:
        """One row of logits per clip: the mean over its windows."""
        owner, logits = self.window_logits(bank, clips, disturb)
        return clip_means(owner, logits, len(clips))

    def window_logits(
        self, bank: FrameBank, clips: Sequence[int] | Ints, disturb: Disturbance | None = None
    ) -> tuple[Ints, Floats]:
        """For every window: the index of its clip in `clips`, and its logits."""
        owners, logits = [], []
        for start in range(0, len(clips), CLIPS_AT_ONCE):
            some = np.asarray(clips[start : start + CLIPS_AT_ONCE])
            owner, features = self.features(bank, some, disturb)
            standardised = (features - self.mean) / self.deviation
            logits.append(self.network(standardised.astype(np.float32)))
            owners.append(owner + start)
        return np.concatenate(owners), np.concatenate(logits)

    def features(
        self, bank: FrameBank, clips: Ints, disturb: Disturbance | None = None
    ) -> tuple[Ints, Floats]:
        """For every window: the index of its clip, and its features before standardisation."""
        owner, starts = window_starts(bank, clips, self.spec.window_frames)
        positions = starts[:, None] + np.arange(self.spec.window_frames)[None, :]
        logmel = bank.windows(clips[owner], positions.astype(np.float64))
        if disturb:
            logmel = disturb(np.random.default_rng((0, int(clips[0]))), logmel)
        return owner, window_features(self.spec, logmel)


def clip_means(owner: Ints, logits: Floats, clips: int) -> Floats:
    sums = np.zeros((clips, logits.shape[1]))
    np.add.at(sums, owner, logits)
    return np.asarray(sums / np.bincount(owner, minlength=clips)[:, None], dtype=np.float32)


def window_starts(bank: FrameBank, clips: Ints, frames: int) -> tuple[Ints, Ints]:
    """For every window: which of `clips` it belongs to, and where in the clip it starts."""
    owners, starts = [], []
    for index, clip in enumerate(clips):
        first, last = int(bank.first[clip]), int(bank.last[clip])
        grid = np.arange(first - frames, last, HOP_FRAMES)
        spoken = np.minimum(grid + frames, last) - np.maximum(grid, first)
        chosen = grid[spoken >= LEAST_SPOKEN * min(last - first, frames)]
        owners.append(np.full(len(chosen), index))
        starts.append(chosen)
    return np.concatenate(owners), np.concatenate(starts)
