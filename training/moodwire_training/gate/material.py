"""Which recordings teach the gate and which test it; nobody and nothing is in both."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import gcd
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
from numpy.typing import NDArray

from moodwire_training.folds import acceptance_speakers, read_plan
from moodwire_training.surroundings import Role, lot, role_of_sound

Samples = NDArray[np.float32]

RATE = 16_000

ACCEPTANCE = acceptance_speakers()

CHOSEN_ON = frozenset(read_plan("development").training("1").test)
"""Speakers on whom settings are chosen; neither the gate nor a development model learns them."""

HUMAN = {
    "20": "crying baby",
    "21": "sneezing",
    "24": "coughing",
    "26": "laughing",
}
"""ESC-50 classes of the human voice that are not speech: reported on their own."""

UNDECIDED = frozenset({"20", "26"})
"""Voices in them are too near to emotional speech to teach the gate to sleep through them."""

PERMISSIVE = frozenset({"0", "1", "10", "11", "12", "20", "21", "38", "40", "41"})
"""ESC-10, the classes of ESC-50 whose clips are under CC BY; the others are CC BY-NC."""

PERMISSIVE_SPEECH = frozenset({"CREMA-D", "speech"})
"""Corpora of speech whose licences allow commercial use."""


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
class Material:
    """One side of the split."""

    speech: tuple[Recording, ...]
    noise: tuple[Recording, ...]
    rooms: tuple[Recording, ...] = ()
    """Measured ones; the gate learns from made-up rooms alone."""

    @cached_property
    def speech_by_corpus(self) -> list[list[Recording]]:
        found: dict[str, list[Recording]] = defaultdict(list)
        for recording in self.speech:
            found[corpus_of(recording)].append(recording)
        return [found[name] for name in sorted(found)]


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


def material(found: Sequence[Recording], role: Role, permissive: bool = False) -> Material:
    """One side of the split; `permissive` leaves out what is under non-commercial licences."""
    ours = [r for r in found if role_of(r) == role]
    noise = [
        r for r in ours if r.corpus == "noise" and (role == "test" or r.category not in UNDECIDED)
    ]
    speech = [r for r in ours if r.corpus not in ("noise", "rooms")]
    if permissive:
        speech, noise = ([r for r in side if is_permissive(r)] for side in (speech, noise))
    return Material(tuple(speech), tuple(noise), tuple(r for r in ours if r.corpus == "rooms"))


def is_permissive(recording: Recording) -> bool:
    """Whether its licence allows commercial use."""
    if recording.corpus == "noise":
        return not recording.category or recording.category in PERMISSIVE
    return recording.corpus in PERMISSIVE_SPEECH


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


def corpora_of(used: Iterable[Recording]) -> dict[str, int]:
    """How many recordings of each corpus, by the folder that carries its licence."""
    counts: dict[str, int] = {}
    for recording in used:
        name = recording.corpus
        if name in ("speech", "noise"):
            name = next(p for p in recording.path.parts[::-1] if p in LICENCES)
        counts[name] = counts.get(name, 0) + 1
    return counts


def corpus_of(recording: Recording) -> str:
    """The folders of plain speech count as corpora of their own."""
    return recording.path.parent.name if recording.corpus == "speech" else recording.corpus


LICENCES = {
    "CREMA-D": "ODbL-1.0 / DbCL-1.0",
    "RAVDESS": "CC-BY-NC-SA-4.0",
    "TESS": "CC-BY-NC-ND-4.0",
    "SAVEE": "research use, no redistribution",
    "EMO-DB": "free for research",
    "nEMO": "CC-BY-NC-SA-4.0",
    "LibriSpeech": "CC-BY-4.0",
    "precise": "public domain",
    "MUSAN": "CC-BY-4.0",
    "background": "public domain",
    "ESC-50": "CC-BY-NC-3.0 (the ESC-10 part: CC-BY-3.0)",
}


def licences_of(found: Iterable[Recording]) -> dict[str, str]:
    """By corpus; of the ESC-10 part of ESC-50, where no other of it was heard."""
    found = tuple(found)
    licences = {name: LICENCES[name] for name in corpora_of(found)}
    if "ESC-50" in licences and all(map(is_permissive, found)):
        licences["ESC-50"] = "CC-BY-3.0 (the ESC-10 part alone)"
    return licences


@lru_cache(maxsize=4096)
def read(path: Path) -> Samples:
    """Mono samples at RATE; kept, since scenes draw the same recordings again and again."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate != RATE:
        divisor = gcd(rate, RATE)
        mono = scipy.signal.resample_poly(mono, RATE // divisor, rate // divisor)
    mono = np.ascontiguousarray(mono, dtype=np.float32)
    mono.setflags(write=False)
    return mono
