"""A tiny corpus of made-up voices in CREMA-D's layout: no recording of anybody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 16_000
MOODS = {"ANG": 9.0, "DIS": 2.0, "FEA": 14.0, "HAP": 6.0, "NEU": 0.5, "SAD": 3.5}


def voice(pitch: float, wobble: float, seconds: float, seed: int) -> np.ndarray:
    """Harmonics of a pitch that wobbles at a rate of its own: the mood of this voice."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.1 * np.sin(2 * np.pi * wobble * time))) / RATE
    tone = sum(np.sin(n * phase) / n for n in range(1, 12))
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time + rng.uniform(0, 6))
    return (0.1 * tone * syllables + 1e-4 * rng.standard_normal(len(time))).astype(np.float32)


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    folder = root / "CREMA-D"
    folder.mkdir()
    for speaker in range(1001, 1005):
        for take, (code, wobble) in enumerate(MOODS.items()):
            for number, sentence in enumerate(("DFA", "IEO")):
                seed = speaker * 100 + take * 10 + number
                sound = voice(90.0 + 25 * (speaker - 1000), wobble, 1.2, seed)
                soundfile.write(folder / f"{speaker}_{sentence}_{code}_XX.wav", sound, RATE)
    return root


@pytest.fixture(scope="session")
def tiny_plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("plans") / "tiny.toml"
    file.write_text('name = "tiny"\n[[training]]\nname = "1"\ntest = ["CRE1004"]\n')
    return file


@pytest.fixture(scope="session")
def own_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV with moods of three voices, the files named alike in every voice's folder."""
    folder = tmp_path_factory.mktemp("own")
    rows = ["path,emotion,speaker"]
    for number, speaker in enumerate(("anna", "ben", "cleo")):
        (folder / speaker).mkdir()
        for mood, wobble in (("angry", 9.0), ("happy", 6.0), ("sad", 3.5), ("bored", 1.0)):
            for take in range(2):
                sound = voice(100.0 + 40 * number, wobble, 1.2, 10 * number + take)
                soundfile.write(folder / speaker / f"{mood}{take}.wav", sound, RATE)
                rows.append(f"{speaker}/{mood}{take}.wav,{mood},{speaker}")
    (folder / "mine.csv").write_text("\n".join(rows))
    return folder / "mine.csv"
