"""A converted bundle, scored by the device's own interpreter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from moodwire.model import Bundle, Classifier
from moodwire_training.evaluation.score import Scorer


def bundle_scorer(bundle: Bundle) -> tuple[Scorer, tuple[str, ...]]:
    """The scorer of the int8 file, and the moods it names; the bundle standardises by itself."""
    classifier = Classifier(bundle)

    def network(features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.stack([classifier.logits(window) for window in features])

    width = bundle.spec.width
    nothing, one = np.zeros(width, np.float32), np.ones(width, np.float32)
    return Scorer(network, bundle.spec, nothing, one), bundle.labels
