"""Looks for corpora below folders, and says what each lacks."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from moodwire_training.clips import SPEECH_SUFFIXES, Clip, read_manifest
from moodwire_training.corpora.readers import READERS
from moodwire_training.labels import CORPUS_LABELS, UNION


@dataclass(frozen=True)
class Found:
    """What is there of one corpus."""

    corpus: str
    clips: tuple[Clip, ...]
    repeated: tuple[str, ...]
    """Files left out because a clip of the same name came before (the corpus unpacked twice); in a
    corpus of one's own, a file that is listed twice."""
    refused: tuple[str, ...] = ()
    """Rows of a manifest that cannot be learned from, and why."""
    expected_clips: int | None = None
    expected_speakers: int | None = None

    @property
    def speakers(self) -> Counter[str]:
        return Counter(clip.speaker for clip in self.clips)

    @property
    def complete(self) -> bool:
        return self.expected_clips is None or (
            len(self.clips) >= self.expected_clips
            and len(self.speakers) >= (self.expected_speakers or 0)
        )


def find_corpora(roots: Sequence[Path]) -> list[Found]:
    """Every corpus that can be recognised below `roots`; a root may also be a CSV manifest."""
    found: dict[str, dict[str, Clip]] = defaultdict(dict)
    repeated: dict[str, list[str]] = defaultdict(list)
    refused: dict[str, list[str]] = defaultdict(list)
    for clip in find_clips(roots):
        # Known names hold speaker, mood and sentence; others may come again in another folder.
        known = clip.corpus in CORPUS_LABELS
        name = f"{clip.speaker}/{clip.emotion}/{Path(clip.path).stem}" if known else clip.path
        clips = found[clip.corpus]
        if reason := _useless(clip):
            refused[clip.corpus].append(f"{clip.path}: {reason}")
        elif name in clips:
            repeated[clip.corpus].append(clip.path)
        else:
            clips[name] = clip
    expected = {reader.corpus: reader for reader in READERS}
    return [
        Found(
            corpus,
            tuple(clips.values()),
            tuple(repeated[corpus]),
            tuple(refused[corpus]),
            expected[corpus].expected_clips if corpus in expected else None,
            expected[corpus].expected_speakers if corpus in expected else None,
        )
        for corpus, clips in sorted(found.items())
    ]


def find_clips(roots: Sequence[Path]) -> Iterable[Clip]:
    for root in roots:
        if root.suffix.lower() == ".csv":
            yield from (_absolute(clip, root.parent) for clip in read_manifest(root))
        elif root.is_dir():
            files = sorted(p for p in root.rglob("*") if p.suffix.lower() in SPEECH_SUFFIXES)
            yield from (clip for file in files if (clip := read_name(file)))
        else:
            raise FileNotFoundError(f"{root}: neither a folder nor a CSV manifest")


def read_name(file: PurePath) -> Clip | None:
    """The clip that a file's name speaks of, if it is a known corpus' name."""
    return next((clip for reader in READERS if (clip := reader.read(file))), None)


def told(clip: Clip) -> str:
    """What results call a clip: its path where that speaks of mood and voice, else all three."""
    said = read_name(PurePath(clip.path))
    if said and (said.corpus, said.speaker, said.emotion) == (
        clip.corpus,
        clip.speaker,
        clip.emotion,
    ):
        return clip.name
    return json.dumps([clip.corpus, clip.name, clip.speaker, clip.emotion])


def read_told(name: str) -> Clip:
    clip = Clip(*json.loads(name)) if name.startswith('["') else read_name(PurePath(f"{name}.wav"))
    if clip is None:
        raise ValueError(f"{name}: not a name of a known corpus")
    return clip


def _useless(clip: Clip) -> str:
    """Why nothing can be learned from what a manifest says of a clip."""
    moods = CORPUS_LABELS.get(clip.corpus, UNION)
    if clip.emotion not in moods:
        return f"emotion {clip.emotion!r} is unknown; known: {', '.join(moods)}"
    if not clip.speaker:
        return "no speaker is named"
    return "" if Path(clip.path).is_file() else "no such file"


def _absolute(clip: Clip, folder: Path) -> Clip:
    return replace(
        clip,
        path=str(folder / clip.path),
        emotion=clip.emotion.strip().lower(),
        speaker=clip.speaker.strip(),
    )
