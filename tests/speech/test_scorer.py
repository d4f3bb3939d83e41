"""The speech gate keeps its promises: the same scores however the stream is cut, at any level."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from moodwire.features import DEFAULT_SPEC
from moodwire.features.frontend import MelStream
from moodwire.features.spec import FrontendSpec, SpecError
from moodwire.speech import SpeechScorer
from moodwire.speech.network import GateName, card

RATE = DEFAULT_SPEC.sample_rate


def babbling(seconds: float = 6.0, seed: int = 3) -> NDArray[np.float32]:
    """Quiet noise with voiced syllables from 2 s on: harmonics that come and go."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = 2 * np.pi * np.cumsum(140 + 25 * np.sin(2 * np.pi * 0.7 * time)) / RATE
    voice = sum(np.sin(k * pitch) / k for k in range(1, 24))
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * time), 0, 1) * (time > 2)
    return np.asarray(0.1 * voice * syllables + 0.001 * rng.standard_normal(len(time)), np.float32)


def frames_of(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return MelStream(DEFAULT_SPEC).push(samples)


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_the_same_bit_for_bit_however_the_stream_is_cut(seed: int) -> None:
    logmel = frames_of(babbling())
    whole = SpeechScorer(DEFAULT_SPEC).push(logmel)
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(logmel), 40 * (seed + 1)))
    scorer = SpeechScorer(DEFAULT_SPEC)
    pieces = [scorer.push(piece) for piece in np.split(logmel, cuts)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_reset_forgets_everything() -> None:
    logmel = frames_of(babbling())
    scorer = SpeechScorer(DEFAULT_SPEC)
    first = scorer.push(logmel)
    scorer.push(logmel[:37])
    scorer.reset()
    np.testing.assert_array_equal(scorer.push(logmel), first)


@pytest.mark.parametrize("decibels", [-30.0, 6.0])
def test_level_does_not_matter(decibels: float) -> None:
    gain = np.float32(10 ** (decibels / 20))
    usual = SpeechScorer(DEFAULT_SPEC).push(frames_of(babbling()))
    other = SpeechScorer(DEFAULT_SPEC).push(frames_of(gain * babbling()))
    np.testing.assert_allclose(other, usual, atol=0.01)


def test_scores_lie_between_0_and_1_and_come_one_for_each_frame() -> None:
    logmel = frames_of(babbling())
    scores = SpeechScorer(DEFAULT_SPEC).push(logmel)
    assert scores.shape == (len(logmel),)
    assert scores.dtype == np.float32
    assert 0 <= scores.min() <= scores.max() <= 1


def test_digital_silence_is_not_speech() -> None:
    scores = SpeechScorer(DEFAULT_SPEC).push(frames_of(np.zeros(5 * RATE, np.float32)))
    assert scores[len(scores) // 2 :].max() < 0.1


def test_steady_noise_is_not_speech() -> None:
    noise = 0.05 * np.random.default_rng(1).standard_normal(10 * RATE).astype(np.float32)
    scores = SpeechScorer(DEFAULT_SPEC).push(frames_of(noise))
    assert scores[4 * RATE // DEFAULT_SPEC.hop_length :].max() < 0.1


def test_frames_that_it_does_not_know_are_refused() -> None:
    with pytest.raises(SpecError, match="mel_bands is 64"):
        SpeechScorer(FrontendSpec(mel_bands=64, coefficients=40))


@pytest.mark.parametrize("gate", get_args(GateName))
def test_card_names_a_licence_for_every_corpus(gate: GateName) -> None:
    stated = card(gate)
    assert set(stated["licences"]) == set(stated["recordings"])
    free = not any("NC" in text for text in stated["licences"].values())
    assert stated["commercial_use"] is free


def test_the_open_gate_may_be_used_commercially() -> None:
    assert card("open")["commercial_use"]
