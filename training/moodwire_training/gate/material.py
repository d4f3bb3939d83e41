"""Which recordings choices are made on and which test them; nobody and nothing is in both."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from moodwire.features import DEFAULT_SPEC
from moodwire_training.audio import resampled
from moodwire_training.folds import acceptance_speakers, read_plan
from moodwire_training.surroundings import Role, lot, role_of_sound

Samples = NDArray[np.float32]

RATE = DEFAULT_SPEC.sample_rate

ACCEPTANCE = acceptance_speakers()

CHOSEN_ON = frozenset(read_plan("development").training("1").test)
"""Speakers on whom settings are chosen; a development model does not learn them."""

HUMAN = {
    "20": "crying baby",
    "21": "sneezing",
    "24": "coughing",
    "26": "laughing",
}
"""ESC-50 classes of the human voice that are not speech: reported on their own."""


@dataclass(frozen=True)
class Recording:
    """A file of the data folder as its manifest.csv describes it."""

    corpus: str
    path: Path
    speaker: str
    emotion: str
    text: str = ""

    @property
    def category(self) -> str:
        """ESC-50 writes its class last in the name; other corpora have none."""
        parts = self.path.stem.split("-")
        return parts[-1] if "ESC-50" in self.path.parts else ""

    @property
    def fold(self) -> str:
        """Folds of ESC-50 share no source recording."""
        return self.path.stem[0] if "ESC-50" in self.path.parts else ""


@dataclass(frozen=True)
class Side:
    """One side of the split."""

    speech: tuple[Recording, ...]
    noise: tuple[Recording, ...]
    rooms: tuple[Recording, ...]


def recordings(data: Path) -> list[Recording]:
    """All but duplicates and those clips of `precise` whose names promise no speech."""
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return [
            Recording(
                row["corpus"],
                data / row["path"],
                row["speaker"] or Path(row["path"]).stem.split("-")[0],
                row["emotion"],
                row["text"],
            )
            for row in csv.DictReader(file)
            if not row["duplicate_of"] and not Path(row["path"]).stem.startswith("not")
        ]


def side(found: Sequence[Recording], role: Role) -> Side:
    ours = [r for r in found if role_of(r) == role]
    noise, rooms = (tuple(r for r in ours if r.corpus == kind) for kind in ("noise", "rooms"))
    return Side(tuple(r for r in ours if r.corpus not in ("noise", "rooms")), noise, rooms)


def role_of(recording: Recording) -> Role:
    """By speaker, by source of the noise, by place."""
    if recording.speaker in ACCEPTANCE:
        return "test"
    match recording.corpus:
        case "CREMA-D" if int(recording.speaker.removeprefix("CRE")) >= 1073:
            return "test"
        case "speech" if recording.path.parent.name == "LibriSpeech":
            return _lot(recording.speaker)
        case "speech":
            return _lot(recording.path.stem)
        case "noise" if not recording.fold:
            held_out = recording.path.stem.endswith(("0002", "tap", "miaowing"))
            return "test" if held_out else "training"
        case "noise" | "rooms":
            return role_of_sound(recording.corpus, recording.path.stem)
    return "validation" if recording.speaker in CHOSEN_ON else "training"


def _lot(name: str) -> Role:
    drawn = lot(name)
    if drawn == 0:
        return "validation"
    return "test" if drawn < 3 else "training"


def corpus_of(recording: Recording) -> str:
    """The folders of plain speech count as corpora of their own."""
    return recording.path.parent.name if recording.corpus == "speech" else recording.corpus


@lru_cache(maxsize=4096)
def read(path: Path) -> Samples:
    """Mono samples at RATE; kept, since scenes draw the same recordings again and again."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate != RATE:
        mono = resampled(mono, rate, RATE)
    mono = np.ascontiguousarray(mono, dtype=np.float32)
    mono.setflags(write=False)
    return mono
