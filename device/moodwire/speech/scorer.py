"""Is somebody speaking? A score for every frame, for next to nothing while nothing happens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from moodwire.features.spec import FrontendSpec, SpecError
from moodwire.speech.background import Background
from moodwire.speech.network import CHUNK, CONTEXT, SAMPLE_RATE, Network

Array = NDArray[np.float32]

LOUDNESS = 0.1
"""Root of the mean power of the loudest chunk of late, as the network is shown it: -20 dB."""

FALL_DB = 1.0
"""A second by which that loudness falls while something is heard; a voice stays as loud as it is
between its words, and one that comes later may be softer."""

WAKEFUL = 1.0
"""Seconds of nothing but background after which the network sleeps."""


class SpeechScorer:
    """Pushed a hop of samples and the log-mel frames that it completes, returns their scores 0..1.

    The network hears every voice equally loud, and nothing at all while nothing but the background
    is there. A frame has the score of the chunk that it ends in, or of the newest complete one.
    """

    def __init__(self, spec: FrontendSpec, network: Network | None = None) -> None:
        if spec.sample_rate != SAMPLE_RATE:
            raise SpecError(
                f"sample_rate is {spec.sample_rate}; the speech gate knows {SAMPLE_RATE} alone"
            )
        self._spec = spec
        self._background = Background(spec.mel_bands)
        self._network = network or Network()
        self.reset()

    def reset(self) -> None:
        """Forget everything heard, as if newly made."""
        self._background.reset()
        self._network.reset()
        self._samples = np.zeros(CONTEXT, dtype=np.float32)
        self._still = WAKEFUL
        self._loudness = 0.0
        self._frames = 0
        self._chunks = 0
        self._newest = np.float32(0.0)

    def push(self, samples: Array, logmel: Array) -> Array:
        seconds = len(samples) / SAMPLE_RATE
        self._still = 0.0 if any(self._background.push(logmel)) else self._still + seconds
        joined = np.concatenate((self._samples, samples))
        chunks = (len(joined) - CONTEXT) // CHUNK
        self._samples = joined[chunks * CHUNK :]
        scores = np.empty(chunks + 1, dtype=np.float32)
        scores[0] = self._newest
        if chunks:
            scores[1:] = self._judge(joined[: CONTEXT + chunks * CHUNK], seconds)
        self._newest = scores[-1]
        first, self._chunks = self._chunks, self._chunks + chunks
        return scores[np.clip(self._ends_in(len(logmel)) - first + 1, 0, chunks)]

    def _judge(self, samples: Array, seconds: float) -> Array:
        """Of each chunk, before which CONTEXT; 0 where there is nothing but background."""
        chunks = samples[CONTEXT:].reshape(-1, CHUNK)
        if self._still >= WAKEFUL:
            self._network.reset()
            return np.zeros(len(chunks), dtype=np.float32)
        loudest = float(np.einsum("ij,ij->i", chunks, chunks).max() / CHUNK) ** 0.5
        self._loudness = max(self._loudness * 10 ** (-FALL_DB * seconds / 20), loudest)
        if not self._loudness:
            return np.zeros(len(chunks), dtype=np.float32)
        return self._network.push(samples * np.float32(LOUDNESS / self._loudness))

    def _ends_in(self, frames: int) -> NDArray[np.int64]:
        """The chunks that the last samples of the next frames lie in."""
        numbers = np.arange(self._frames, self._frames + frames, dtype=np.int64)
        self._frames += frames
        return (self._spec.frame_length + self._spec.hop_length * numbers - 1) // CHUNK
