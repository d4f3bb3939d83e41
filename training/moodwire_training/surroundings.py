"""Noise and rooms around acted speech, and plain speech; training never hears a part of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from moodwire_training.augment import Surroundings
from moodwire_training.bank import FrameBank
from moodwire_training.clips import SPEECH_SUFFIXES, Clip
from moodwire_training.store import FeatureStore
from moodwire_training.windows import total_power

DECAY_FRAMES = 96

Role = Literal["training", "validation", "test"]


def find_surroundings(roots: Sequence[Path], kind: Literal["noise", "rooms"]) -> list[Clip]:
    """Recordings in the folders of this name in the data folders."""
    return [
        Clip(kind, str(file), "", kind, text=source_of(file, root))
        for root in roots
        for file in sorted((root / kind).rglob("*"))
        if file.suffix.lower() in SPEECH_SUFFIXES
    ]


def source_of(file: Path, root: Path) -> str:
    """noise/ESC-50/a.wav is from ESC-50; what lies in rooms/ itself comes from EchoThief."""
    kind, *folders, _ = file.relative_to(root).parts
    if folders:
        return folders[0]
    return "EchoThief" if kind == "rooms" else kind


def find_plain_speech(roots: Sequence[Path]) -> list[Clip]:
    """LibriSpeech below speech/: reader-chapter-utterance, read without acting a mood."""
    found = []
    for root in roots:
        for file in sorted((root / "speech").rglob("*")):
            name = re.fullmatch(r"(\d+)-(\d+)-(\d+)", file.stem)
            if name and file.suffix.lower() in SPEECH_SUFFIXES:
                found.append(
                    Clip("LibriSpeech", str(file), f"LS{name[1]}", "neutral", "", "en", name[3])
                )
    return found


def surroundings_of(
    store: FeatureStore, bank: FrameBank, sources: Sequence[str], evaluation: bool
) -> Surroundings:
    """Noise and rooms from `sources` only; what training hears, evaluation never uses."""

    def chosen(kind: str) -> list[int]:
        return [
            row
            for row, clip in enumerate(store.clips)
            if clip.corpus == kind and serves(clip, sources, evaluation)
        ]

    noise, rooms = chosen("noise"), chosen("rooms")
    decays = [energy_decay(bank, row) for row in rooms]
    bands = bank.frames.shape[1]
    stacked = np.stack(decays) if decays else np.empty((0, DECAY_FRAMES, bands), np.float32)
    return Surroundings(bank, np.array(noise, dtype=np.int64), stacked)


def serves(clip: Clip, sources: Sequence[str], evaluation: bool) -> bool:
    """Whether noise or a room is from one of `sources`, and on this side of the split."""
    role = role_of_sound(clip.corpus, Path(clip.path).stem)
    return clip.text in sources and role == ("test" if evaluation else "training")


def role_of_sound(kind: str, name: str) -> Role:
    """What noise or a room of this name is for; trainings of mood models hear neither other role.

    ESC-50 says fold and source first in the name, and folds share no source: the second is for
    tests, a sixth of the sources of the first for choices. Rooms are drawn by the letters of their
    names: the same on every machine.
    """
    if kind == "noise" and name.startswith("2-"):
        return "test"
    if kind == "noise" and name.startswith("1-"):
        return "validation" if lot(name.split("-")[1]) == 0 else "training"
    if kind == "rooms" and (drawn := lot(name)) in (0, 3):
        return "validation" if drawn == 0 else "test"
    return "training"


def lot(name: str) -> int:
    """One of six, by the letters of a name."""
    return sum(name.encode()) % 6


def energy_decay(bank: FrameBank, room: int) -> NDArray[np.float32]:
    """A room's impulse response as energy per frame and band, the direct sound being 1."""
    start = bank.offset[room]
    power = np.exp(bank.frames[start : start + bank.length[room]])
    power = power[int(total_power(power).argmax()) :][:DECAY_FRAMES]
    decay = np.zeros((DECAY_FRAMES, power.shape[1]), dtype=np.float32)
    decay[: len(power)] = power / power[0]
    return decay
