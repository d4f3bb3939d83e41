"""The rows of the table of results: which corpus, decided among which moods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moodwire_training.clips import Clip
from moodwire_training.evaluation.metrics import Outcome
from moodwire_training.labels import CORPUS_LABELS, SIX, UNION


@dataclass(frozen=True)
class Row:
    name: str
    corpora: tuple[str, ...]
    labels: tuple[str, ...]


STUDENTS = ("CREMA-D", "RAVDESS", "SAVEE", "TESS")
"""What the student projects pooled, and split at random."""

ROWS = (
    Row("CREMA-D 6", ("CREMA-D",), SIX),
    Row("RAVDESS 8", ("RAVDESS",), CORPUS_LABELS["RAVDESS"]),
    Row("RAVDESS 6", ("RAVDESS",), SIX),
    Row("SAVEE 7", ("SAVEE",), CORPUS_LABELS["SAVEE"]),
    Row("SAVEE 6", ("SAVEE",), SIX),
    Row("TESS 6", ("TESS",), SIX),
    Row("EMO-DB 7", ("EMO-DB",), CORPUS_LABELS["EMO-DB"]),
    Row("EMO-DB 6", ("EMO-DB",), SIX),
    Row("nEMO 6", ("nEMO",), CORPUS_LABELS["nEMO"]),
    Row("nEMO 5", ("nEMO",), tuple(mood for mood in SIX if mood in CORPUS_LABELS["nEMO"])),
    Row("pooled 6", STUDENTS, SIX),
    Row("pooled 8", STUDENTS, CORPUS_LABELS["RAVDESS"]),
)


def rows_of(clips: Iterable[Clip]) -> list[Row]:
    """ROWS, and one for each corpus of one's own: the moods of its clips."""
    moods: dict[str, set[str]] = {}
    for clip in clips:
        if clip.corpus not in CORPUS_LABELS:
            moods.setdefault(clip.corpus, set()).add(clip.emotion)
    return [
        *ROWS,
        *(
            Row(f"{corpus} {len(found)}", (corpus,), tuple(m for m in UNION if m in found))
            for corpus, found in sorted(moods.items())
            if len(found) > 1
        ),
    ]


def outcome_of(
    row: Row,
    clips: Sequence[Clip],
    logits: NDArray[np.float32],
    labels: Sequence[str] = UNION,
) -> Outcome | None:
    """The row's clips among `clips`, with logits of its moods only.

    None where one of the row's corpora or moods is missing.
    """
    known = tuple(labels)
    if not set(row.labels) <= set(known) or not set(row.corpora) <= {c.corpus for c in clips}:
        return None
    chosen = clips_of(row, clips)
    if not chosen:
        return None
    columns = [known.index(mood) for mood in row.labels]
    truth = np.array([row.labels.index(clips[index].emotion) for index in chosen], dtype=np.int64)
    speakers = tuple(clips[index].speaker for index in chosen)
    return Outcome(row.labels, truth, logits[chosen][:, columns].astype(np.float64), speakers)


def clips_of(row: Row, clips: Sequence[Clip]) -> list[int]:
    return [
        index
        for index, clip in enumerate(clips)
        if clip.corpus in row.corpora and clip.emotion in row.labels
    ]
