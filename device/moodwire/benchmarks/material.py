"""What the daemon is made to hear: speech, a quiet room, and noise that is no speech."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodwire.audio.sample import sample_recording
from moodwire.audio.source import MODEL_RATE, Samples

PIECE_SECONDS = 20
"""Each kind in turn."""


@dataclass(frozen=True)
class Material:
    """Samples in -1..1; each kind is repeated as often as it takes."""

    speech: Samples
    quiet: Samples
    noise: Samples
    speech_from: str

    def mixed(self, seconds: int) -> Samples:
        """A third of each, in pieces."""
        size = PIECE_SECONDS * MODEL_RATE
        kinds = (self.speech, self.quiet, self.noise)
        count = -(-seconds // PIECE_SECONDS)
        pieces = [np.resize(np.roll(kinds[n % 3], -n // 3 * size), size) for n in range(count)]
        return np.concatenate(pieces)[: seconds * MODEL_RATE]


def make_material(speech_file: Path | None) -> Material:
    random = np.random.default_rng(1)
    speech, origin = _speech(speech_file)
    room = 0.002 * random.standard_normal(MODEL_RATE * PIECE_SECONDS).astype(np.float32)
    return Material(speech, room, _noise(random), origin)


def write_raw(samples: Samples, file: Path) -> Path:
    np.clip(np.round(samples * 32_768.0), -32_768, 32_767).astype("<i2").tofile(file)
    return file


def _speech(speech_file: Path | None) -> tuple[Samples, str]:
    data = os.environ.get("MOODWIRE_DATA")
    if speech_file is not None:
        return _read([speech_file]), str(speech_file.name)
    if data:
        files = sorted((Path(data) / "speech" / "LibriSpeech").rglob("*.opus"))[:40]
        if files:
            return _read(files), f"{len(files)} recordings of LibriSpeech"
    return _without_pauses(sample_recording()), "a synthetic voice"


def _read(files: list[Path]) -> Samples:
    from moodwire.audio.file import FileSource
    from moodwire.audio.source import chunks

    return np.concatenate([each.samples for file in files for each in chunks(FileSource(file))])


def _without_pauses(samples: Samples) -> Samples:
    blocks = samples[: len(samples) // 1_600 * 1_600].reshape(-1, 1_600)
    kept: Samples = blocks[np.square(blocks).mean(axis=1) > 1e-5].ravel()
    return kept


def _noise(random: np.random.Generator) -> Samples:
    """A fan's hum and rush, and something that clatters twice a second."""
    time = np.arange(MODEL_RATE * PIECE_SECONDS) / MODEL_RATE
    hum: NDArray[np.float64] = 0.02 * np.sin(2 * np.pi * 100.0 * time)
    rush = 0.01 * np.cumsum(random.standard_normal(len(time))) % 0.05
    clatter = 0.2 * random.standard_normal(len(time)) * np.exp(-(time % 0.5) * 30.0)
    return (hum + rush + clatter).astype(np.float32)
