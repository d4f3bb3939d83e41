"""Gates are compared in scenes whose truth is right, and counted as the device counts."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile
from numpy.typing import NDArray

from moodwire_training.gate import scenes
from moodwire_training.gate.evaluate import heard
from moodwire_training.gate.material import RATE, recordings, side

RNG = np.random.default_rng


def voice(seconds: float, seed: int) -> NDArray[np.float32]:
    """Harmonics in syllables, half a second of silence before and after."""
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = 2 * np.pi * (120 + 40 * seed % 90) * time
    sound = sum(np.sin(k * pitch) / k for k in range(1, 20))
    syllables = 0.2 + np.clip(np.sin(2 * np.pi * 4 * time), 0, 1)
    quiet = np.zeros(RATE // 2)
    return np.concatenate([quiet, 0.1 * sound * syllables, quiet]).astype(np.float32)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder as the tools expect it, with voices and noises made up."""
    files = {
        "CREMA-D/1001_A.wav": ("CREMA-D", "CRE1001", "angry"),
        "CREMA-D/1002_A.wav": ("CREMA-D", "CRE1002", "sad"),
        "CREMA-D/1082_A.wav": ("CREMA-D", "CRE1082", "angry"),
        "RAVDESS/01.wav": ("RAVDESS", "RAV01", "sad"),
        "RAVDESS/02.wav": ("RAVDESS", "RAV02", "sad"),
        "RAVDESS/06.wav": ("RAVDESS", "RAV06", "sad"),
        "noise/ESC-50/1-100-A-36.wav": ("noise", "", "noise"),
        "noise/ESC-50/1-101-A-26.wav": ("noise", "", "noise"),
        "noise/ESC-50/2-200-A-36.wav": ("noise", "", "noise"),
    }
    with (tmp_path / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["corpus", "path", "speaker", "emotion", "text", "duplicate_of"])
        for number, (path, (corpus, speaker, emotion)) in enumerate(files.items()):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            is_noise = corpus == "noise"
            sound = scenes.coloured_noise(RNG(number), 2 * RATE) if is_noise else voice(2, number)
            soundfile.write(tmp_path / path, 0.2 * sound, RATE)
            rows.writerow([corpus, path, speaker, emotion, "", ""])
    return tmp_path


def test_nobody_and_nothing_is_on_both_sides(data: Path) -> None:
    found = recordings(data)
    taught, tested = side(found, "training"), side(found, "test")
    assert {r.speaker for r in taught.speech} == {"CRE1001", "CRE1002", "RAV01"}
    assert {r.speaker for r in tested.speech} == {"CRE1082", "RAV02"}
    assert {r.path.stem for r in tested.noise} == {"2-200-A-36"}
    assert {r.speaker for r in side(found, "validation").speech} == {"RAV06"}


def test_truth_knows_where_a_voice_speaks() -> None:
    truth = scenes.spoken_frames(voice(2.0, 1))
    spoken = np.flatnonzero(truth) * scenes.HOP / RATE
    assert spoken[0] == pytest.approx(0.5, abs=0.05)
    assert spoken[-1] == pytest.approx(2.5, abs=0.05)
    assert truth[int(0.6 * RATE / scenes.HOP) : int(2.4 * RATE / scenes.HOP)].all()


def test_a_restless_room_around_a_voice_is_no_speech() -> None:
    """Its level jumps from frame to frame, far above its own floor."""
    hum = scipy.signal.butter(2, (60, 160), "band", fs=RATE, output="sos")
    sound = scipy.signal.sosfilt(hum, RNG(0).standard_normal(3 * RATE))
    sound[RATE : 2 * RATE] += 5 * sound.std() * RNG(1).standard_normal(RATE)
    spoken = np.count_nonzero(scenes.spoken_frames(sound.astype(np.float32)))
    assert spoken * scenes.HOP / RATE == pytest.approx(1.0, abs=0.5)


@pytest.mark.parametrize("snr", [0.0, 10.0, 20.0])
def test_mixture_has_the_asked_signal_to_noise_ratio(data: Path, snr: float) -> None:
    speaker = side(recordings(data), "training").speech[0]
    alone = scenes.voices([scenes.Passage(speaker, RATE // scenes.HOP * scenes.HOP)], 5 * RATE)
    noise = scenes.coloured_noise(RNG(1), 5 * RATE)
    heard_ = scenes.mixed(alone, noise, snr, gain=-20)
    level = np.square(heard_.samples[: len(alone.spoken) * scenes.HOP]).reshape(-1, scenes.HOP)
    speech, rest = level[alone.spoken].mean(), level[: RATE // scenes.HOP].mean()
    assert 10 * np.log10((speech - rest) / rest) == pytest.approx(snr, abs=0.7)


def test_a_window_counts_only_once_there_is_something_to_judge() -> None:
    from moodwire.config import Gate

    scores = np.zeros(16 * 20, dtype=np.float32)
    scores[16 * 5 : 16 * 12] = 1.0
    opened, passes = heard(scores, Gate(hangover=0.0, linger=0.0, minimum_speech=0.6))
    assert list(np.flatnonzero(opened)) == [5, 6, 7, 8, 9, 10, 11]
    assert list(np.flatnonzero(passes)) == [7, 8, 9, 10, 11]
