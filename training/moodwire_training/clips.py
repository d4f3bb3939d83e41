"""A clip of acted speech, noise or plain speech, and the manifest that lists them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

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


def write_manifest(path: Path, clips: Iterable[Clip]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Clip)])
        writer.writeheader()
        writer.writerows(asdict(clip) for clip in clips)


def read_manifest(path: Path) -> list[Clip]:
    """Any CSV with path, emotion and speaker; what else a Clip has is taken where it is there."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        found = set(reader.fieldnames or ())
        if missing := sorted({"path", "emotion", "speaker"} - found):
            raise ValueError(
                f"{path}: column {missing[0]!r} is missing (found: {', '.join(sorted(found))}); "
                "a manifest needs path, emotion and speaker"
            )
        known = {field.name for field in fields(Clip)}
        rows = []
        for row in reader:
            row.setdefault("corpus", path.stem)
            rows.append(Clip(**{name: value or "" for name, value in row.items() if name in known}))
    return rows
