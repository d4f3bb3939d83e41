"""The speech gate keeps its promises: a score for every frame, the same at any level, and sleep
while nothing happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from moodwire.audio.sample import sample_recording
from moodwire.features import DEFAULT_SPEC
from moodwire.features.frontend import MelStream
from moodwire.features.spec import FrontendSpec, SpecError
from moodwire.speech import SpeechScorer
from moodwire.speech.network import CONTEXT, Network

RATE = DEFAULT_SPEC.sample_rate
HOP = 16 * DEFAULT_SPEC.hop_length
FRAMES_A_SECOND = RATE / DEFAULT_SPEC.hop_length
VOICE = slice(round(3 * FRAMES_A_SECOND), round(8 * FRAMES_A_SECOND))
"""Frames of the sample recording in which its first voice speaks."""

Samples = NDArray[np.float32]


class Counting(Network):
    """Counts how many samples it is asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def push(self, samples: Samples) -> Samples:
        self.asked += len(samples) - CONTEXT
        return super().push(samples)


@pytest.fixture(scope="module")
def voices() -> Samples:
    """Room noise, a voice, a pause, another voice."""
    return sample_recording()[: 16 * RATE]


def scored(samples: Samples, hop: int = HOP, scorer: SpeechScorer | None = None) -> Samples:
    """As the pipeline does it: hop by hop, the first one frame longer."""
    mel, scorer = MelStream(DEFAULT_SPEC), scorer or SpeechScorer(DEFAULT_SPEC)
    first = hop + DEFAULT_SPEC.frame_length - DEFAULT_SPEC.hop_length
    pieces = np.split(samples, range(first, len(samples), hop))
    return np.concatenate([scorer.push(piece, mel.push(piece)) for piece in pieces])


def hiss(seconds: float, level: float = 0.05) -> Samples:
    noise = np.random.default_rng(1).standard_normal(round(seconds * RATE))
    return (level * noise).astype(np.float32)


def test_a_voice_is_speech_and_the_pause_after_it_is_not(voices: Samples) -> None:
    scores = scored(voices)
    assert np.median(scores[VOICE]) > 0.8
    pause = scores[round(9.7 * FRAMES_A_SECOND) : round(10.8 * FRAMES_A_SECOND)]
    assert pause.max() < 0.2


@settings(max_examples=20, deadline=None)
@given(frames=st.integers(1, 60), seconds=st.floats(0.5, 6.0))
def test_every_frame_has_one_score_however_long_the_hops_are(frames: int, seconds: float) -> None:
    samples = sample_recording()[: round(seconds * RATE)]
    scores = scored(samples, frames * DEFAULT_SPEC.hop_length)
    assert scores.shape == (len(MelStream(DEFAULT_SPEC).push(samples)),)
    assert scores.dtype == np.float32
    assert 0 <= scores.min() <= scores.max() <= 1


def test_reset_forgets_everything(voices: Samples) -> None:
    scorer = SpeechScorer(DEFAULT_SPEC)
    first = scored(voices, scorer=scorer)
    scorer.reset()
    np.testing.assert_array_equal(scored(voices, scorer=scorer), first)


@pytest.mark.parametrize("decibels", [-30.0, 6.0])
def test_level_does_not_matter(voices: Samples, decibels: float) -> None:
    gain = np.float32(10 ** (decibels / 20))
    np.testing.assert_allclose(scored(gain * voices), scored(voices), atol=0.01)


def test_a_soft_voice_is_heard_soon_after_a_loud_one(voices: Samples) -> None:
    loud, soft = voices[: 9 * RATE], np.float32(0.03) * voices[2 * RATE : 9 * RATE]
    scores = scored(np.concatenate([loud, soft]))
    assert np.median(scores[round(12 * FRAMES_A_SECOND) :]) > 0.5


def test_digital_silence_is_not_speech() -> None:
    assert not scored(np.zeros(5 * RATE, np.float32)).any()


def test_the_network_sleeps_through_steady_noise_and_wakes_for_a_voice(voices: Samples) -> None:
    network = Counting()
    scores = scored(hiss(20.0), scorer=SpeechScorer(DEFAULT_SPEC, network))
    assert network.asked < 5 * RATE  # until it knows the noise
    assert scores[4 * RATE // DEFAULT_SPEC.hop_length :].max() == 0
    noise, network = hiss(20.0, 1e-3), Counting()
    spoken = np.concatenate([noise, voices])
    scores = scored(spoken, scorer=SpeechScorer(DEFAULT_SPEC, network))
    assert np.median(scores[round(20 * FRAMES_A_SECOND) :][VOICE]) > 0.8


def test_a_rate_that_it_does_not_know_is_refused() -> None:
    with pytest.raises(SpecError, match="sample_rate is 8000"):
        SpeechScorer(FrontendSpec(sample_rate=8000, mel_high_hz=3800.0))
