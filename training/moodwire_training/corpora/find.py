"""Looks for corpora below folders, and says what each lacks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from moodwire_training.clips import SPEECH_SUFFIXES, Clip, read_manifest
from moodwire_training.corpora.readers import READERS


@dataclass(frozen=True)
class Found:
    """What is there of one corpus."""

    corpus: str
    clips: tuple[Clip, ...]
    repeated: tuple[str, ...]
    """Files left out because a clip of the same name came before (the corpus unpacked twice)."""
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
    for clip in find_clips(roots):
        identity = f"{clip.speaker}/{clip.emotion}/{Path(clip.path).stem}"
        if identity in found[clip.corpus]:
            repeated[clip.corpus].append(clip.path)
        else:
            found[clip.corpus][identity] = clip
    expected = {reader.corpus: reader for reader in READERS}
    return [
        Found(
            corpus,
            tuple(clips.values()),
            tuple(repeated[corpus]),
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


def _absolute(clip: Clip, folder: Path) -> Clip:
    return Clip(**{**vars(clip), "path": str(folder / clip.path)})
