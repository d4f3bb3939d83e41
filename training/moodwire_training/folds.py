"""Fold plans: which speakers each training leaves out, fixed in files; and the check for leaks."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moodwire_training.clips import Clip
from moodwire_training.labels import CORPUS_LABELS
from moodwire_training.packaged import read_toml

PROTOCOLS = ("speakers", "random")
PLAN_SETTINGS = ("name", "title", "protocol", "training", "test_share", "copies")
KNOWN_VOICE = re.compile(
    r"CRE1\d{3}|RAV\d\d|TES[OY]AF|SAV(DC|JE|JK|KL)|EMO\d\d|NEM[A-Z]{2}\d|LS\d+"
)
SURROUNDINGS = ("ESC-50", "MUSAN", "background", "EchoThief")


class PlanError(ValueError):
    """A plan that cannot be followed; the message names file and setting."""


class LeakError(ValueError):
    """Training would hear what it is tested on."""


@dataclass(frozen=True)
class Training:
    """One training of a plan."""

    name: str
    test: tuple[str, ...]
    """Speakers left out and tested on; a corpus' name stands for all of its speakers."""
    corpora: tuple[str, ...] = tuple(CORPUS_LABELS)
    """What training may hear."""
    hold_out_acceptance: bool = False
    surroundings: tuple[str, ...] = SURROUNDINGS
    """Where noise and rooms around the speech may come from; licences decide, too."""


@dataclass(frozen=True)
class Plan:
    name: str
    title: str
    protocol: str
    trainings: tuple[Training, ...]
    test_share: float = 0.0
    copies: int = 1
    """How often a clip lies in the urn of the random protocol, as if augmented before the draw."""

    @property
    def leaky(self) -> bool:
        return self.protocol == "random"

    def training(self, name: str) -> Training:
        for training in self.trainings:
            if training.name == name:
                return training
        known = ", ".join(training.name for training in self.trainings)
        raise PlanError(f"plan {self.name!r} has no training {name!r}; it has: {known}")


@dataclass(frozen=True)
class Split:
    """Rows of the clips."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def read_plan(name_or_file: str) -> Plan:
    """A plan that comes with the package, by name, or a TOML file."""
    source = name_or_file if name_or_file.endswith(".toml") else f"{name_or_file}.toml"
    values = read_toml("plan", name_or_file, PlanError)
    _refuse_unknown(source, values, PLAN_SETTINGS)
    protocol = values.get("protocol", "speakers")
    if protocol not in PROTOCOLS:
        raise PlanError(f"{source}: protocol is {protocol!r}; allowed: {', '.join(PROTOCOLS)}")
    trainings = tuple(_read_training(source, entry) for entry in values.get("training", ()))
    if "name" not in values:
        raise PlanError(f"{source}: no name in it; a plan needs one")
    if not trainings:
        raise PlanError(f"{source}: no [[training]] in it; a plan needs at least one")
    return Plan(
        values["name"],
        values.get("title", values["name"]),
        protocol,
        trainings,
        float(values.get("test_share", 0.0)),
        int(values.get("copies", 1)),
    )


def acceptance_speakers() -> frozenset[str]:
    return _speakers_of("acceptance")


def stream_speakers() -> frozenset[str]:
    """Whose plain speech only the always-on evaluation hears."""
    return _speakers_of("streams")


def held_out_speakers(training: Training) -> frozenset[str]:
    """Kept from this training for tests other than its own."""
    held_out = stream_speakers()
    return held_out | acceptance_speakers() if training.hold_out_acceptance else held_out


def _speakers_of(name: str) -> frozenset[str]:
    return frozenset(_expand(read_toml("plan", name, PlanError)["speakers"]))


def split(plan: Plan, training: Training, clips: Sequence[Clip]) -> Split:
    """Which clips train and which test; refuses to go on when a test could be heard before."""
    known = list(dict.fromkeys([*CORPUS_LABELS, *(c.corpus for c in clips if c.is_speech)]))
    if unknown := sorted(set(training.corpora) - set(known)):
        raise PlanError(
            f"plan {plan.name!r}: corpus {unknown[0]!r} is unknown; known: {', '.join(known)}"
        )
    if plan.leaky:
        return _random_split(plan, training, clips)
    held_out = held_out_speakers(training)
    tested = set(training.test)
    _refuse_strangers(plan, tested, clips)
    train, test = [], []
    for row, clip in enumerate(clips):
        if not clip.is_speech:
            continue
        if clip.speaker in tested or clip.corpus in tested:
            test.append(row)
        elif clip.corpus in training.corpora and clip.speaker not in held_out:
            train.append(row)
    found = Split(np.array(train, dtype=np.int64), np.array(test, dtype=np.int64))
    # The same recording twice would count twice, or stand on both sides.
    found = Split(*(_without_duplicates(rows, clips) for rows in (found.train, found.test)))
    check_leaks(found, training, clips)
    return found


def _refuse_strangers(plan: Plan, tested: set[str], clips: Sequence[Clip]) -> None:
    """A name misspelled would be left out of nothing; voices of corpora that are not there may be
    named."""
    there = {name for clip in clips for name in (clip.speaker, clip.corpus)}
    for name in sorted(tested - there - set(CORPUS_LABELS)):
        if not KNOWN_VOICE.fullmatch(name):
            raise PlanError(f"plan {plan.name!r}: test names {name!r}, and no recording is of that")


def check_leaks(found: Split, training: Training, clips: Sequence[Clip]) -> None:
    """Raise LeakError when a speaker, a recording or the acceptance set is on the wrong side."""
    heard = {clips[row].speaker for row in found.train}
    tested = {clips[row].speaker for row in found.test}
    if both := sorted(heard & tested):
        raise LeakError(
            f"training {training.name!r}: speaker {both[0]} is in training and in test "
            f"({len(both)} such); leave whole speakers out"
        )
    recordings = {clips[row].key for row in found.train}
    files = {clips[row].path for row in found.train}
    for row in found.test:
        if clips[row].key in recordings or clips[row].duplicate_of in files:
            raise LeakError(
                f"training {training.name!r}: {clips[row].path} is also a training recording"
            )
    if training.hold_out_acceptance and (touched := sorted(heard & acceptance_speakers())):
        raise LeakError(
            f"training {training.name!r}: {touched[0]} belongs to the acceptance set, "
            "which nothing shipped may hear"
        )


def _random_split(plan: Plan, training: Training, clips: Sequence[Clip]) -> Split:
    """A clip is tested on if its first copy, which is the clip itself, was drawn for the test."""
    rows = np.array([i for i, clip in enumerate(clips) if clip.corpus in training.corpora])
    urn = np.random.default_rng(2026).permutation(plan.copies * len(rows))
    count = round(plan.test_share * len(urn))
    drawn, left = urn[:count], urn[count:]
    return Split(rows[np.unique(left % len(rows))], rows[np.sort(drawn[drawn < len(rows)])])


def _without_duplicates(rows: NDArray[np.int64], clips: Sequence[Clip]) -> NDArray[np.int64]:
    return np.array([row for row in rows if not clips[row].duplicate_of], dtype=np.int64)


def _read_training(source: str, entry: dict[str, Any]) -> Training:
    _refuse_unknown(f"{source}: [[training]]", entry, {item.name for item in fields(Training)})
    if missing := {"name", "test"} - set(entry):
        raise PlanError(f"{source}: a [[training]] has no {min(missing)!r}")
    return Training(
        str(entry["name"]),
        tuple(_expand(_names(source, "test", entry["test"]))),
        tuple(_names(source, "corpora", entry.get("corpora", list(CORPUS_LABELS)))),
        bool(entry.get("hold_out_acceptance", False)),
        tuple(_names(source, "surroundings", entry.get("surroundings", list(SURROUNDINGS)))),
    )


def _names(source: str, setting: str, value: object) -> list[str]:
    """Text alone would be taken for the list of its letters."""
    if not isinstance(value, list):
        raise PlanError(f"{source}: {setting} is {value!r}; a list is needed, such as {[value]!r}")
    return [str(name) for name in value]


def _refuse_unknown(where: str, values: dict[str, Any], known: Collection[str]) -> None:
    if unknown := sorted(set(values) - set(known)):
        raise PlanError(
            f"{where}: unknown setting {unknown[0]!r}; known: {', '.join(sorted(known))}"
        )


def _expand(speakers: Sequence[str]) -> list[str]:
    """`CRE1001-CRE1018` is a range of speakers; `acceptance` is the acceptance set."""
    expanded: list[str] = []
    for item in speakers:
        bounds = re.fullmatch(r"([A-Z]+)(\d+)-([A-Z]+)(\d+)", item)
        if item == "acceptance":
            expanded += sorted(acceptance_speakers())
        elif bounds and bounds[1] == bounds[3] and int(bounds[2]) <= int(bounds[4]):
            width = len(bounds[2])
            numbers = range(int(bounds[2]), int(bounds[4]) + 1)
            expanded += [f"{bounds[1]}{number:0{width}d}" for number in numbers]
        else:
            expanded.append(item)
    return expanded
