"""Finished networks that teach another: their opinion of a window, together.

Networks that were trained alike err differently, so that together they are right more often than
any of them alone. One network can learn what they say together, and stays as small as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import scipy.special
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Teacher:
    name: str
    network: keras.Model
    mean: Floats
    deviation: Floats
    seed: int
    corpora: frozenset[str]
    """What it was taught with: about other voices nobody asks it."""
    speakers: frozenset[str] = frozenset()
    """Whom it has heard: through it, its pupil has, too."""

    def logits(self, features: Floats) -> Floats:
        """`features`: before standardisation."""
        standardised = ((features - self.mean) / self.deviation).astype(np.float32)
        return np.asarray(self.network.predict_on_batch(standardised), dtype=np.float32)


def joint_logits(teachers: Sequence[Teacher], features: Floats) -> Floats:
    return np.asarray(np.mean([teacher.logits(features) for teacher in teachers], axis=0))


def believed(logits: Floats, masks: Floats) -> Floats:
    """Probabilities of the labels that are not masked."""
    return np.asarray(scipy.special.softmax(logits - 1e4 * (1 - masks), axis=1), dtype=np.float32)
