"""Everything a training or an evaluation reads, loaded once."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodwire.features import DEFAULT_SPEC, FrontendSpec
from moodwire_training.bank import FrameBank
from moodwire_training.clips import Clip, corpus_labels
from moodwire_training.corpora import find_corpora
from moodwire_training.labels import SIX, UNION, mask_of
from moodwire_training.processes import ALONE, Processes
from moodwire_training.store import FeatureStore, Progress, build_store
from moodwire_training.surroundings import find_plain_speech, find_surroundings

DEFAULT_CACHE = Path(".cache/features")


@dataclass(frozen=True)
class Material:
    store: FeatureStore
    bank: FrameBank
    spec: FrontendSpec
    votes: dict[str, NDArray[np.float32]]
    """Listeners' votes on the voice alone by clip name, in the order of SIX, adding up to 1."""


def load_material(
    roots: Sequence[Path],
    cache: Path = DEFAULT_CACHE,
    processes: Processes = ALONE,
    report: Callable[[Progress], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
) -> Material:
    clips: list[Clip] = []
    for found in find_corpora(roots):
        clips += found.clips
        if found.refused:
            warn(f"{found.corpus}: left out {len(found.refused)}, the first: {found.refused[0]}")
    if not clips:
        searched = ", ".join(map(str, roots))
        raise FileNotFoundError(f"no known corpus below {searched}; see moodwire-train corpora")
    for what, where, others in (
        ("noise", "noise/SOURCE/", find_surroundings(roots, "noise")),
        ("rooms", "rooms/", find_surroundings(roots, "rooms")),
        ("plain speech", "speech/", find_plain_speech(roots)),
    ):
        clips += others
        if not others:
            warn(f"no {what} found: below the data folder they lie in {where}")
    store = build_store(clips, DEFAULT_SPEC, cache, processes, report)
    bank = FrameBank.build(store.frames, store.offset, store.length)
    return Material(store, bank, DEFAULT_SPEC, read_votes(roots))


def read_votes(roots: Sequence[Path]) -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = {}
    for root in roots:
        for file in root.rglob("voice_votes.csv") if root.is_dir() else ():
            with file.open(newline="", encoding="utf-8") as lines:
                for row in csv.DictReader(lines):
                    counts = np.array([float(row[mood]) for mood in SIX], dtype=np.float32)
                    if counts.sum() > 0:
                        found[row["clip"]] = counts / counts.sum()
    return found


def soft_targets(material: Material, smoothing: float, votes: float) -> NDArray[np.float32]:
    """[clips, UNION]: the intended mood, leaning on the votes where there are any, smoothed."""
    clips = material.store.clips
    labels = corpus_labels(clips)
    targets = np.zeros((len(clips), len(UNION)), dtype=np.float32)
    for row, clip in enumerate(clips):
        if not clip.is_speech:
            continue
        targets[row, UNION.index(clip.emotion)] = 1.0
        heard = material.votes.get(Path(clip.path).stem) if clip.corpus == "CREMA-D" else None
        if heard is not None and votes:
            targets[row] *= 1 - votes
            targets[row, : len(SIX)] += votes * heard
        mask = mask_of(labels[clip.corpus])
        targets[row] = (1 - smoothing) * targets[row] + smoothing * mask / mask.sum()
    return targets
