"""A converted bundle, scored by the device's own interpreter."""

from __future__ import annotations

import numpy as np

from moodwire.model import Bundle, Classifier
from moodwire_training.evaluation.score import Network, Scorer


def bundle_scorer(bundle: Bundle) -> tuple[Scorer, tuple[str, ...]]:
    """The scorer of the int8 file, and the moods it names; the bundle standardises by itself."""
    width = bundle.spec.width
    nothing, one = np.zeros(width, np.float32), np.ones(width, np.float32)
    return Scorer(bundle_network(bundle), bundle.spec, nothing, one), bundle.labels


def bundle_network(bundle: Bundle) -> Network:
    """What the device would compute for each window, before it is standardised."""
    classifier = Classifier(bundle)
    return lambda features: np.stack([classifier.logits(window) for window in features])
