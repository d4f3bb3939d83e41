"""The frequency axis stretched, as if the same words came from a longer or a shorter throat."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from moodwire.features.mel import hz_to_mel, mel_to_hz
from moodwire.features.spec import FrontendSpec


@lru_cache(maxsize=64)
def warp_matrix(spec: FrontendSpec, factor: float) -> NDArray[np.float32]:
    """[bands, bands]; `logmel @ matrix` reads each band at `factor` times its frequency."""
    bands, scale = spec.mel_bands, spec.mel_scale
    ends = hz_to_mel(np.array([spec.mel_low_hz, spec.mel_high_hz]), scale)
    edges = np.linspace(ends[0], ends[1], bands + 2)[1:-1]
    wanted = hz_to_mel(mel_to_hz(edges, scale) * factor, scale)
    index = np.clip((wanted - edges[0]) / (edges[1] - edges[0]), 0, bands - 1)
    below = np.minimum(index.astype(int), bands - 2)
    share = index - below
    matrix = np.zeros((bands, bands), np.float32)
    columns = np.arange(bands)
    matrix[below, columns] += 1 - share
    matrix[below + 1, columns] += share
    return matrix
