"""What recall comes to once the device has got used to a voice.

As on the device: no label is seen, and an answer knows only what was heard before it. The clips of
each speaker come in drawn orders, to a device that has never heard the speaker. Tests spread moods
evenly, which the device is told here; at home it takes most talk for plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from moodwire.config import Decision
from moodwire.decision.habit import Habit
from moodwire.features import DEFAULT_SPEC
from moodwire_training.evaluation.metrics import Outcome, join, probabilities, unweighted_recall
from moodwire_training.evaluation.rows import Row, clips_of
from moodwire_training.evaluation.score import HOP_FRAMES
from moodwire_training.labels import indices_of

if TYPE_CHECKING:
    from moodwire_training.evaluation.crossvalidation import TestedRun

ORDERS = 5
HOP_SECONDS = HOP_FRAMES * DEFAULT_SPEC.frame_seconds


def used_recall(row: Row, runs: Sequence[TestedRun], temperature: float) -> float:
    """UAR over all clips of the row, mean over the orders."""
    recalls = [
        unweighted_recall(join([used_outcome(row, run, temperature, order) for run in runs]))
        for order in range(ORDERS)
    ]
    return float(np.mean(recalls))


def used_outcome(row: Row, run: TestedRun, temperature: float, order: int) -> Outcome:
    rng = np.random.default_rng(order)
    windows = probabilities(run.windows[:, indices_of(row.labels)].astype(float), temperature)
    by_clip = np.split(windows, np.searchsorted(run.owner, np.arange(1, len(run.clips))))
    habits: dict[str, Habit] = {}
    truth, logits, speakers = [], [], []
    for index in rng.permutation(clips_of(row, run.clips)):
        clip = run.clips[index]
        habit = habits.setdefault(clip.speaker, Habit(row.labels, 1 / len(row.labels)))
        own = by_clip[index].astype(np.float32)
        left = [habit.push(window, HOP_SECONDS, Decision().habit) for window in own]
        truth.append(row.labels.index(clip.emotion))
        logits.append(np.log(np.maximum(left, 1e-9)).mean(axis=0))
        speakers.append(clip.speaker)
    return Outcome(row.labels, np.array(truth), np.array(logits), tuple(speakers))
