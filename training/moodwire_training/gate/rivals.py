"""Other gates to measure ours against: energy over the background, and WebRTC's detector."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from moodwire.features.frontend import MelStream
from moodwire.speech import SpeechScorer
from moodwire.speech.cues import EXCESS_LIMIT, GROUP, Cues
from moodwire.speech.network import Weights
from moodwire.speech.scorer import TRAINED_ON
from moodwire_training.gate.material import RATE, Samples

Floats = NDArray[np.float32]
Rival = Callable[[Samples], Floats]
"""A fresh gate for each recording: samples to one score per frame."""

WEBRTC_STEP = RATE // 100
VOICE_BANDS = slice(5, 30)
"""About 250 to 4000 Hz."""


def ours(weights: Weights) -> Rival:
    return lambda samples: SpeechScorer(TRAINED_ON, weights).push(
        MelStream(TRAINED_ON).push(samples)
    )


def energy(samples: Samples) -> Floats:
    """How far the voice bands stand above the tracked background: 2 nats score one half."""
    logmel = MelStream(TRAINED_ON).push(samples)
    groups = len(logmel) // GROUP
    grouped = logmel[: groups * GROUP].reshape(groups, GROUP, -1)
    cues, _ = Cues(logmel.shape[1]).push(grouped)
    above = EXCESS_LIMIT * cues[:, VOICE_BANDS, GROUP].mean(axis=1)
    scores = 1 / (1 + np.exp(2 * (2 - above)))
    return np.pad(np.repeat(scores, GROUP), (0, len(logmel) - groups * GROUP), mode="edge")


def webrtc(mode: int) -> Rival:
    """The small library: a decision every 10 ms; a frame's score is their mean over 0.1 s."""
    import webrtcvad

    def score(samples: Samples) -> Floats:
        detector = webrtcvad.Vad(mode)
        whole = (np.clip(samples, -1, 1) * 32767).astype("<i2")
        steps = len(whole) // WEBRTC_STEP
        said = [
            detector.is_speech(step.tobytes(), RATE)
            for step in whole[: steps * WEBRTC_STEP].reshape(steps, -1)
        ]
        mean = np.convolve(said, np.full(10, 0.1))[:steps]
        frames = (len(samples) - TRAINED_ON.frame_length) // TRAINED_ON.hop_length + 1
        ends = TRAINED_ON.frame_length + np.arange(frames) * TRAINED_ON.hop_length
        ends = ends // WEBRTC_STEP - 1
        return np.asarray(mean[np.minimum(ends, steps - 1)], dtype=np.float32)

    return score
