"""The moods a network may name, and which of them each corpus knows.

One network carries one union of labels. A corpus that never asked its actors for a mood says
nothing about it, so the loss is taken over the labels of the clip's own corpus only, and a test
decides among the labels of its row only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIX = ("angry", "disgust", "fear", "happy", "neutral", "sad")
UNION = (*SIX, "calm", "surprise", "boredom")

CORPUS_LABELS: dict[str, tuple[str, ...]] = {
    "CREMA-D": SIX,
    "RAVDESS": (*SIX, "calm", "surprise"),
    "TESS": (*SIX, "surprise"),
    "SAVEE": (*SIX, "surprise"),
    "EMO-DB": (*SIX, "boredom"),
    "nEMO": ("angry", "fear", "happy", "neutral", "sad", "surprise"),
    # Read, emotionally plain: what most of the speech around a device is like.
    "LibriSpeech": SIX,
}


def mask_of(labels: tuple[str, ...]) -> NDArray[np.float32]:
    """1 where a label of the union is among `labels`, else 0."""
    return np.array([1.0 if name in labels else 0.0 for name in UNION], dtype=np.float32)


def indices_of(labels: tuple[str, ...]) -> list[int]:
    return [UNION.index(name) for name in labels]
