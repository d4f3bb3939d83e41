"""Recordings of tones, and a model that hears a mood in each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tones
from click.testing import CliRunner, Result

from moodwire.cli import main

RATE = 16_000


@pytest.fixture
def moodwire(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Runs a command with the tone bundle, away from the configuration of this machine."""
    monkeypatch.setattr("moodwire.pipeline.SpeechScorer", tones.LoudIsSpeech)
    file = tmp_path / "config.toml"
    file.write_text(f'[model]\npath = "{tones.BUNDLE}"\n[device]\nid = "bench"\n')
    monkeypatch.setenv("MOODWIRE_CONFIG", str(file))
    return lambda *arguments, **keywords: CliRunner().invoke(
        main, [str(argument) for argument in arguments], **keywords
    )


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """record("x.wav", ("angry", 2.0), (None, 1.0)) writes tones and quiet."""

    def write(name: str, *parts: tuple[str | None, float]) -> Path:
        sound = [
            tones.tone(label, seconds)
            if label
            else np.random.default_rng(1).normal(scale=1e-3, size=round(seconds * RATE))
            for label, seconds in parts
        ]
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.concatenate(sound), RATE)
        return path

    return write
