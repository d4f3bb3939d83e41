"""Other gates to measure ours against: energy over the background, and WebRTC's detector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from moodwire.features import MelStream
from moodwire.speech import SpeechScorer
from moodwire.speech.background import GROUP, Background
from moodwire_training.gate.evaluate import FRAMES, HOP_FRAMES, Rival
from moodwire_training.gate.material import RATE, Samples

Floats = NDArray[np.float32]
WEBRTC_STEP = RATE // 100


def ours(samples: Samples) -> Floats:
    """Hop by hop, as on the device."""
    mel, scorer = MelStream(FRAMES), SpeechScorer(FRAMES)
    hop = HOP_FRAMES * FRAMES.hop_length
    first = hop + FRAMES.frame_length - FRAMES.hop_length
    hops = np.split(samples, range(first, len(samples), hop))
    return np.concatenate([scorer.push(some, mel.push(some)) for some in hops])


def energy(samples: Samples) -> Floats:
    """Whatever stands out of the background: what wakes our gate."""
    logmel = MelStream(FRAMES).push(samples)
    stands_out = np.repeat(Background(FRAMES.mel_bands).push(logmel), GROUP)
    return np.pad(stands_out.astype(np.float32), (0, len(logmel) - len(stands_out)), mode="edge")


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
        frames = (len(samples) - FRAMES.frame_length) // FRAMES.hop_length + 1
        ends = FRAMES.frame_length + np.arange(frames) * FRAMES.hop_length
        ends = ends // WEBRTC_STEP - 1
        return np.asarray(mean[np.minimum(ends, steps - 1)], dtype=np.float32)

    return score
