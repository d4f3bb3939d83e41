"""The shipped gate on voices and noises that it never learned from."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from moodwire.config import Gate
from moodwire.features import DEFAULT_SPEC
from moodwire_training.gate.evaluate import heard
from moodwire_training.gate.rivals import ours

pytestmark = pytest.mark.data
RATE = DEFAULT_SPEC.sample_rate

Samples = NDArray[np.float32]


def opens(samples: Samples) -> bool:
    """Whether the device would ask its model about anything in this recording."""
    _, passes = heard(ours(samples), Gate())
    return bool(passes.any())


def share_opening(files: list[Path], change: Callable[[Samples], Samples]) -> float:
    quiet = 1e-4 * np.random.default_rng(0).standard_normal(RATE)
    opened = []
    for file in files:
        samples = soundfile.read(file, dtype="float32")[0]
        opened.append(opens(np.concatenate([quiet, change(samples), quiet]).astype(np.float32)))
    return float(np.mean(opened))


@pytest.mark.parametrize("mood", ["angry", "sad", "fear", "happy"])
@pytest.mark.parametrize("decibels", [-24.0, 0.0])
def test_acted_speech_of_strangers_opens_it(corpora: Path, mood: str, decibels: float) -> None:
    """One sentence alone, which need not hold the second of speech that the model waits for."""
    code = {"angry": "05", "sad": "04", "fear": "06", "happy": "03"}[mood]
    clips = [
        file
        for actor in ("02", "15", "16", "18")
        for file in sorted((corpora / "RAVDESS").rglob(f"03-01-{code}-*-{actor}.opus"))
    ]
    assert len(clips) >= 30
    gain = np.float32(10 ** (decibels / 20))
    assert share_opening(clips, lambda samples: gain * samples) >= 0.8


def test_most_unheard_noises_leave_it_closed(corpora: Path) -> None:
    noises = sorted((corpora / "noise" / "ESC-50").glob("2-*.opus"))
    assert share_opening(list(islice(noises, 0, None, 4)), lambda samples: samples) <= 0.15
