"""A clip of acted speech, noise or plain speech, and the manifest that lists them."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from moodwire_training.labels import CORPUS_LABELS, SIX, UNION

SPEECH_SUFFIXES = frozenset({".wav", ".opus", ".flac", ".ogg", ".mp3", ".aif", ".aiff"})


@dataclass(frozen=True)
class Clip:
    """One recording; `path` leads to it from where the command was called, or from the root."""

    corpus: str
    path: str
    speaker: str
    emotion: str
    gender: str = ""
    language: str = ""
    text: str = ""
    duplicate_of: str = ""

    @property
    def key(self) -> str:
        """The same recording in another container has the same key."""
        return str(Path(self.path).with_suffix(""))

    @property
    def name(self) -> str:
        """All that readers of corpora look at; says nothing about the machine it was read on."""
        return "/".join(Path(self.key).parts[-2:])

    @property
    def is_speech(self) -> bool:
        """In a mood, that is; noise and rooms are in none."""
        return self.emotion in UNION


def corpus_labels(clips: Iterable[Clip]) -> dict[str, tuple[str, ...]]:
    """The labels of every corpus: of one's own those that it has, as nobody knows what was asked.

    A single mood cannot be told from itself, and stands against the six as plain speech does.
    """
    own: dict[str, set[str]] = {}
    for clip in clips:
        if clip.is_speech and clip.corpus not in CORPUS_LABELS:
            own.setdefault(clip.corpus, set()).add(clip.emotion)
    return CORPUS_LABELS | {
        corpus: tuple(mood for mood in UNION if mood in moods or (len(moods) == 1 and mood in SIX))
        for corpus, moods in own.items()
    }


def write_manifest(path: Path, clips: Iterable[Clip]) -> None:
    """Paths are relative to the manifest, as they are where one is read."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Clip)])
        writer.writeheader()
        for clip in clips:
            writer.writerow(asdict(clip) | {"path": os.path.relpath(clip.path, path.parent)})


def read_manifest(path: Path) -> list[Clip]:
    """Any CSV with path, emotion and speaker; what else a Clip has is taken where it is there.

    Without a column `corpus`, the corpus is called as the file is.
    """
    # spreadsheets write a mark before the first column's name
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8; save it as CSV UTF-8") from None
    with io.StringIO(text, newline="") as file:
        reader = csv.DictReader(file)
        found = set(reader.fieldnames or ())
        if missing := sorted({"path", "emotion", "speaker"} - found):
            raise ValueError(
                f"{path}: column {missing[0]!r} is missing (found: {', '.join(sorted(found))}); "
                "a manifest needs path, emotion and speaker"
            )
        known = {field.name for field in fields(Clip)}
        try:
            lines = list(reader)
        except csv.Error as error:
            raise ValueError(f"{path}: {error}; is a quotation mark left open?") from None
        rows = []
        for row in lines:
            row["corpus"] = row.get("corpus") or path.stem
            rows.append(Clip(**{name: value or "" for name, value in row.items() if name in known}))
    return rows
