"""What the voices here always sound like, taken out of what they sound like now.

A slow, low voice sounds sad in every mood, a bright one happy, and a hollow room lends its sound
to both. The network meets a voice without knowing it; the device hears it for months. So it keeps
a running mean of what its answers have in common beyond the moods that they name, and judges by
what is left. A number for each mood in memory, nothing that tells who spoke; a new start begins
without them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from moodwire.softmax import softmax

Array = NDArray[np.float32]
Floats = NDArray[np.float64]

SURENESS = 2.0
"""Nats by which an answer stands out for the mood that it is about: so much of it is the mood's,
the rest the voice's."""

PLAIN_SHARE = 0.8
"""How much of what is said here is plain talk, before anything is heard."""

MEMORY = 3600.0
"""Seconds of speech that the mean reaches back: a day or more, so that a quarrel does not become
the way in which people here always sound."""

MOST = 0.7
"""Nats that are ever taken out of a mood or given to it: who has been angry since the device began
to listen is angry, though a voice that always sounds so cannot be told from that."""

LEAST_PROBABILITY = 1e-6


class Habit:
    """Follows what windows say; `patience` is how slowly it begins to believe it."""

    def __init__(self, labels: Sequence[str], plain_share: float = PLAIN_SHARE) -> None:
        count = len(labels)
        self._usual = np.zeros(count)
        """Log-probabilities around their mean, as the voices here have them in any mood."""
        self._heard = 0.0
        self._at_most = np.full(count, np.inf)
        """A voice that always sounds plain goes on doing so: plainness is not taken out."""
        expected = np.full(count, 1.0 / count)
        if "neutral" in labels and count > 1:
            neutral = list(labels).index("neutral")
            self._at_most[neutral] = 0.0
            expected[:] = (1.0 - plain_share) / (count - 1)
            expected[neutral] = plain_share
        self._expected = np.log(expected)

    def push(self, probabilities: Array, seconds: float, patience: float) -> Array:
        """What the window says of the mood alone. With no patience at all, nothing is learned."""
        if patience <= 0.0:
            return probabilities
        said = np.log(np.maximum(probabilities.astype(np.float64), LEAST_PROBABILITY))
        said -= said.mean()
        left = said - np.minimum(self._usual, self._at_most)
        self._learn(said, seconds, patience)
        return softmax(left).astype(np.float32)

    def _learn(self, said: Floats, seconds: float, patience: float) -> None:
        mood = softmax(said - self._usual + self._expected)
        beyond = said - SURENESS * (mood - mood.mean())
        self._heard = min(self._heard + seconds, MEMORY)
        self._usual += (beyond - self._usual) * (seconds / (self._heard + patience))
        np.clip(self._usual, -MOST, MOST, out=self._usual)
