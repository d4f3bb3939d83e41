"""Windows and augmentation: exact where they must be, different where they may be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from click.testing import CliRunner

from moodwire.features import DEFAULT_SPEC, warp_matrix
from moodwire.features.frontend import MelStream
from moodwire.features.mel import hz_to_mel, mel_to_hz
from moodwire_training.augment import Augmenter, Strength, Surroundings
from moodwire_training.bank import FrameBank
from moodwire_training.cli import augment
from moodwire_training.evaluation.disturb import RUMBLE_HZ, active_power, disturbances
from moodwire_training.evaluation.score import Scorer, window_starts
from moodwire_training.evaluation.trouble import in_trouble
from moodwire_training.labels import UNION
from moodwire_training.listen import EXAMPLES, NONE, sound_of
from moodwire_training.material import load_material
from moodwire_training.windows import SILENCE, total_power

NOBODY = Surroundings(
    FrameBank(np.zeros((1, 40), np.float32), *(np.zeros(0, np.int64) for _ in range(4))),
    np.zeros(0, np.int64),
    np.zeros((0, 96, 40), np.float32),
)


@pytest.fixture(scope="module")
def bank() -> FrameBank:
    """A second of speech-like sound between half seconds of near silence, and a noise."""
    rng = np.random.default_rng(3)
    time = np.arange(16_000) / 16_000
    speech = 0.2 * np.sin(2 * np.pi * 300 * time) * (1.2 + np.sin(2 * np.pi * 5 * time))
    quiet = 1e-5 * rng.standard_normal(8_000)
    clips = [np.concatenate([quiet, speech, quiet]), 0.05 * rng.standard_normal(64_000)]
    logmel = DEFAULT_SPEC, [MelStream(DEFAULT_SPEC).push(clip) for clip in clips]
    lengths = np.array([len(frames) for frames in logmel[1]])
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return FrameBank.build(np.concatenate(logmel[1]), offsets, lengths)


def test_bank_finds_where_speech_is(bank: FrameBank) -> None:
    assert bank.first[0] * 0.016 == pytest.approx(0.5, abs=0.04)
    assert bank.last[0] * 0.016 == pytest.approx(1.5, abs=0.04)


def test_windows_read_whole_frames_exactly_and_silence_beyond(bank: FrameBank) -> None:
    positions = np.arange(-10.0, 174.0)[None, :]
    window = bank.windows(np.array([0]), positions)[0]
    length = int(bank.length[0])
    assert np.array_equal(window[10 : 10 + length], bank.frames[:length])
    assert (window[:10] == SILENCE).all()
    assert (window[10 + length :] == SILENCE).all()


def test_no_augmentation_changes_nothing(bank: FrameBank) -> None:
    augmenter = Augmenter(bank, NOBODY, NONE)
    rng = np.random.default_rng(0)
    positions = augmenter.place(np.random.default_rng(0), np.array([0]))
    window = augmenter.windows(rng, np.array([0]), np.array([-1]))
    expected = bank.windows(np.array([0]), positions)
    assert np.abs(window - expected).max() < 0.75  # ln(power + silence) at the very bottom
    loud = expected > SILENCE + 8
    assert np.abs(window - expected)[loud].max() < 1e-3


def test_utterance_stays_in_the_window(bank: FrameBank) -> None:
    augmenter = Augmenter(bank, NOBODY, Strength(tempo=(1.0, 1.0)))
    positions = augmenter.place(np.random.default_rng(1), np.zeros(500, np.int64))
    spoken = (positions >= bank.first[0]) & (positions < bank.last[0])
    share = spoken.sum(axis=1) / (bank.last[0] - bank.first[0])
    assert share.min() > Strength().visible - 0.05
    assert share.max() > 0.97
    assert 0.05 < (share < 0.95).mean() < 0.6  # some are cut, most are whole
    starts = positions[:, 0]
    assert starts.std() > 20  # at any phase


def test_same_seed_same_window_and_other_seed_another(bank: FrameBank) -> None:
    around = Surroundings(bank, np.array([1]), np.ones((2, 96, 40), np.float32))
    augmenter = Augmenter(bank, around, Strength())
    clips, partners = np.zeros(8, np.int64), np.full(8, -1)
    first, again, other = (
        augmenter.windows(np.random.default_rng(seed), clips, partners) for seed in (5, 5, 6)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_warp_moves_a_tone_by_its_factor() -> None:
    centres = mel_to_hz(np.linspace(*hz_to_mel(np.array([60.0, 7800.0]), "htk"), 42)[1:-1], "htk")
    picture = np.zeros(40, np.float32)
    picture[20] = 1.0
    warped = picture @ warp_matrix(DEFAULT_SPEC, 1.1)
    found = float((warped * centres).sum() / warped.sum())
    assert found == pytest.approx(centres[20] / 1.1, rel=0.03)


def test_noise_has_the_ratio_that_was_asked_for(bank: FrameBank) -> None:
    around = Surroundings(bank, np.array([1]), np.zeros((0, 96, 40), np.float32))
    noisy = disturbances(bank, around)["noise 10 dB"]
    clean = bank.windows(np.array([0]), np.arange(-20.0, 164.0)[None, :])
    power, disturbed = np.exp(clean), np.exp(noisy(np.random.default_rng(0), clean))
    added = total_power(disturbed - power).mean()
    ratio = 10 * np.log10(active_power(power)[0] / added)
    assert ratio == pytest.approx(10.0, abs=0.3)


def test_rumble_has_the_ratio_to_the_voice_that_was_asked_for() -> None:
    """As if it had been added to the samples, where most of it lies below the bands."""
    rng = np.random.default_rng(2)
    voice = 0.1 * rng.standard_normal(16_000 * 20)
    low = scipy.signal.butter(2, RUMBLE_HZ, "bandpass", fs=16_000, output="sos")
    rumble = scipy.signal.sosfilt(low, rng.standard_normal(len(voice)))
    rumble *= 10 * voice.std() / rumble.std()
    clean, mixed = (MelStream(DEFAULT_SPEC).push(sound) for sound in (voice, voice + rumble))
    rumbling = disturbances(bank_of(clean), NOBODY)["rumble -20 dB"](rng, clean[None])[0]
    found, expected = (np.exp(each).mean(axis=0) for each in (rumbling, mixed))
    assert np.abs(10 * np.log10(found / expected)).max() < 0.5


def bank_of(frames: np.ndarray) -> FrameBank:
    return FrameBank.build(frames, np.array([0]), np.array([len(frames)]))


def test_rumble_lies_below_the_voice(bank: FrameBank) -> None:
    clips, partners = np.zeros(200, np.int64), np.full(200, -1)
    plain, rumbling = (
        Augmenter(bank, NOBODY, replace(NONE, visible=1.0, rumble=share)).windows(
            np.random.default_rng(0), clips, partners
        )
        for share in (0.0, 0.5)
    )
    added = np.exp(rumbling) - np.exp(plain)
    louder = added[..., 0].mean(axis=1) > 0
    assert 0.4 < louder.mean() < 0.6
    assert np.array_equal(rumbling[~louder], plain[~louder])
    bands = added[louder].mean(axis=(0, 1))
    assert bands[0] > 100 * bands[15:].max()
    voice, rumble = (total_power(p[louder]).mean(axis=1) for p in (np.exp(plain), added))
    ratios = 10 * np.log10(voice / rumble)
    assert -21 < ratios.min() < -15 and 5 < ratios.max() < 11


def test_recipes_without_rumble_see_what_they_saw_before_there_was_any(bank: FrameBank) -> None:
    rng = np.random.default_rng(7)
    Augmenter(bank, NOBODY, Strength()).add_rumble(rng, np.ones((4, 184, 40), np.float32))
    assert rng.random() == np.random.default_rng(7).random()


def test_level_does_not_reach_the_features(bank: FrameBank) -> None:
    from moodwire.features import window_features

    quieter = disturbances(bank, NOBODY)["level -20 dB"]
    clean = bank.windows(np.array([0]), np.arange(-20.0, 164.0)[None, :])
    before = window_features(DEFAULT_SPEC, clean)
    after = window_features(DEFAULT_SPEC, quieter(np.random.default_rng(0), clean))
    assert np.abs(before - after).max() < 0.02


def test_scoring_uses_windows_that_hold_the_speech(bank: FrameBank) -> None:
    owner, starts = window_starts(bank, np.array([0, 0]), 184)
    assert set(owner) == {0, 1}
    spoken = bank.last[0] - bank.first[0]
    held = np.minimum(starts + 184, bank.last[0]) - np.maximum(starts, bank.first[0])
    assert (held >= 0.8 * spoken).all()
    assert len(starts) > 8


def test_examples_can_be_heard(bank: FrameBank) -> None:
    assert {"plain", "room", "noise", "telephone", "splice", "masks"} <= set(EXAMPLES)
    window = bank.windows(np.array([0]), np.arange(-20.0, 164.0)[None, :])[0]
    sound = sound_of(DEFAULT_SPEC, window)
    again = MelStream(DEFAULT_SPEC).push(sound)
    spoken = slice(60, 100)
    near = np.corrcoef(again[spoken].mean(axis=0), window[spoken].mean(axis=0))[0, 1]
    assert near > 0.8


def test_clips_of_one_name_get_examples_of_their_own(own_corpus: Path, tmp_path: Path) -> None:
    """As in the folders of two voices: eight clips, six names among them."""
    where = ["--data", str(own_corpus), "--cache", str(tmp_path / "cache"), "--workers", "1"]
    told = CliRunner().invoke(
        augment.command, ["--listen", str(tmp_path / "wav"), "--clips", "8", *where]
    )
    files = list((tmp_path / "wav").iterdir())
    assert len(files) == 8 * len(EXAMPLES)
    assert sorted(told.stdout.splitlines()) == sorted(map(str, files))


def test_one_mood_alone_is_in_no_trouble(own_corpus: Path, tmp_path: Path) -> None:
    material = load_material([own_corpus], tmp_path)
    sad = [i for i, clip in enumerate(material.store.clips) if clip.emotion == "sad"]
    nothing = Scorer(
        lambda features: np.zeros((len(features), len(UNION)), np.float32),
        material.spec,
        np.zeros(40, np.float32),
        np.ones(40, np.float32),
    )
    with pytest.raises(ValueError, match="no row of the table has its moods"):
        in_trouble(material, nothing, np.array(sad))
