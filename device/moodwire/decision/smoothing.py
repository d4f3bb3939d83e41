"""A running mean of probabilities in which evidence ages by the clock."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

LEAST_WEIGHT = 1e-6
"""Evidence that weighs less than this part of one window is forgotten for good."""


class Smoothing:
    """Exponential mean with a time constant, free of the bias towards where it began.

    Probabilities are averaged as they are, not their logarithms: neighbouring windows share nine
    tenths of their sound, so they are one witness and not many, and a product of their opinions
    would be surer than any of them. Silence adds nothing but ages what was heard, so the first
    words after a long pause speak for themselves.
    """

    def __init__(self, labels: int) -> None:
        self._total = np.zeros(labels)
        self.reset()

    def reset(self) -> None:
        self._total[:] = 0.0
        self._weight = 0.0
        self._time: float | None = None

    def push(self, time: float, time_constant: float, probabilities: Array | None) -> None:
        self._age(time, time_constant)
        if probabilities is not None:
            self._total += probabilities
            self._weight += 1.0

    def _age(self, time: float, time_constant: float) -> None:
        if self._time is not None:
            passed = max(0.0, time - self._time)
            kept = math.exp(-passed / time_constant) if time_constant > 0 else 0.0
            self._total *= kept
            self._weight *= kept
        self._time = time
        if self._weight < LEAST_WEIGHT:
            self._total[:] = 0.0
            self._weight = 0.0

    @property
    def mean(self) -> Array | None:
        """None where nothing was heard, or too long ago."""
        if self._weight == 0.0:
            return None
        mean: Array = (self._total / self._weight).astype(np.float32)
        return mean
