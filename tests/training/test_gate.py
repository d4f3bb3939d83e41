"""The gate learns from scenes whose truth is right, and what it learned runs on the device."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from moodwire.speech.network import Network
from moodwire_training.gate import scenes
from moodwire_training.gate.evaluate import heard
from moodwire_training.gate.fit import Recipe, fit, lessons, store
from moodwire_training.gate.material import RATE, material, recordings
from moodwire_training.gate.network import device_weights, gate_network

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


def test_nobody_and_nothing_is_both_learned_from_and_tested_on(data: Path) -> None:
    found = recordings(data)
    taught, tested = material(found, "training"), material(found, "test")
    assert {r.speaker for r in taught.speech} == {"CRE1001", "CRE1002", "RAV01"}
    assert {r.speaker for r in tested.speech} == {"CRE1082", "RAV02"}
    assert {r.path.stem for r in tested.noise} == {"2-200-A-36"}
    assert {r.speaker for r in material(found, "validation").speech} == {"RAV06"}
    # laughter teaches nothing, and what is not free is left out on request
    assert {r.path.stem for r in taught.noise} == {"1-100-A-36"}
    free = material(found, "training", permissive=True)
    assert {r.speaker for r in free.speech} == {"CRE1001", "CRE1002"}
    assert not free.noise


def test_truth_knows_where_a_voice_speaks() -> None:
    truth = scenes.spoken_frames(voice(2.0, 1))
    spoken = np.flatnonzero(truth) * scenes.HOP / RATE
    assert spoken[0] == pytest.approx(0.5, abs=0.05)
    assert spoken[-1] == pytest.approx(2.5, abs=0.05)
    assert truth[int(0.6 * RATE / scenes.HOP) : int(2.4 * RATE / scenes.HOP)].all()


def test_speech_is_demanded_only_where_it_stands_above_the_noise(data: Path) -> None:
    speaker = material(recordings(data), "training").speech[0]
    alone = scenes.voices([scenes.Passage(speaker, 0)], 3 * RATE)
    hiss = scenes.coloured_noise(RNG(1), 3 * RATE)
    quiet, loud = (scenes.mixed(alone, hiss, snr, gain=0) for snr in (40.0, 0.0))
    assert quiet.clear[quiet.spoken].mean() > 0.9
    assert 0.2 < loud.clear[loud.spoken].mean() < 0.9
    assert not (loud.clear & ~loud.spoken).any()


def test_an_echo_is_neither_speech_nor_silence(data: Path) -> None:
    speaker = material(recordings(data), "training").speech[0]
    passage, room = [scenes.Passage(speaker, 0)], np.zeros(RATE, np.float32)
    room[0], room[RATE // 2] = 1.0, 0.5
    after = slice(int(2.6 * RATE / scenes.HOP), int(2.9 * RATE / scenes.HOP))
    assert scenes.voices(passage, 5 * RATE, room).echo[after].all()
    assert not scenes.voices(passage, 5 * RATE).echo.any()


@pytest.mark.parametrize("snr", [0.0, 10.0, 20.0])
def test_mixture_has_the_asked_signal_to_noise_ratio(data: Path, snr: float) -> None:
    speaker = material(recordings(data), "training").speech[0]
    alone = scenes.voices([scenes.Passage(speaker, RATE // scenes.HOP * scenes.HOP)], 5 * RATE)
    noise = scenes.coloured_noise(RNG(1), 5 * RATE)
    heard_ = scenes.mixed(alone, noise, snr, gain=-20)
    level = np.square(heard_.samples[: len(alone.spoken) * scenes.HOP]).reshape(-1, scenes.HOP)
    speech, rest = level[alone.spoken].mean(), level[: RATE // scenes.HOP].mean()
    assert 10 * np.log10((speech - rest) / rest) == pytest.approx(snr, abs=0.7)


def test_fitted_weights_say_on_the_device_what_they_said_in_training() -> None:
    keras.utils.set_random_seed(0)
    network = gate_network(40, 4, 6, 8, 8, 5)
    cues = RNG(2).normal(0, 1, (1, 40, 40, 5)).astype(np.float32)
    awake = np.ones(40, dtype=np.float32)
    awake[10:20] = 0
    logits = np.asarray(network.predict([cues, awake[None, :, None]], verbose=0))[0, :, 0]
    expected = awake / (1 + np.exp(-logits))
    device = Network(device_weights(network), 40)
    said = [device.push(cues[0, i : i + 3], awake[i : i + 3] > 0) for i in range(0, 40, 3)]
    np.testing.assert_allclose(np.concatenate(said), expected, atol=1e-5)


def test_fit_learns_repeats_itself_and_says_what_it_heard(data: Path, tmp_path: Path) -> None:
    taught = material(recordings(data), "training")
    recipe = Recipe(scenes=12, seconds=6.0, epochs=3, batch=4)
    learned = lessons(taught, recipe, tmp_path / "cache")
    losses: list[float] = []
    first = fit(learned, recipe, lambda line: losses.append(float(line.split()[-1])))
    again = fit(lessons(taught, recipe, tmp_path / "cache"), recipe, lambda _: None)
    assert losses[-1] < losses[0]
    np.testing.assert_array_equal(first.judge, again.judge)
    store(first, taught, recipe, tmp_path)
    card = json.loads((tmp_path / "card.json").read_text())
    assert "ODbL" in card["licences"]["CREMA-D"]
    assert "CC-BY-NC" in card["licences"]["ESC-50"]
    assert card["commercial_use"] is False


def test_a_window_counts_only_once_there_is_something_to_judge() -> None:
    from moodwire.config import Gate

    scores = np.zeros(16 * 20, dtype=np.float32)
    scores[16 * 5 : 16 * 12] = 1.0
    opened, passes = heard(scores, Gate(hangover=0.0, linger=0.0, minimum_speech=0.6))
    assert list(np.flatnonzero(opened)) == [5, 6, 7, 8, 9, 10, 11]
    assert list(np.flatnonzero(passes)) == [7, 8, 9, 10, 11]
