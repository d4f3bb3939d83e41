"""What recall comes to once the device has got used to a voice.

As on the device: no label is seen, and an answer knows only what was heard before it. The clips of
each speaker come in drawn orders, to a device that has never heard the speaker. Tests spread moods
evenly: of one voice by itself the device is told so, at home it takes most talk for plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from moodwire.config import Decision
from moodwire.decision.habit import PLAIN_SHARE, Habit
from moodwire.features import DEFAULT_SPEC
from moodwire_training.evaluation.metrics import Outcome, join, probabilities, unweighted_recall
from moodwire_training.evaluation.rows import Row, clips_of
from moodwire_training.evaluation.runs import TestedRun
from moodwire_training.evaluation.score import HOP_FRAMES
from moodwire_training.labels import indices_of

ORDERS = 5
HOP_SECONDS = HOP_FRAMES * DEFAULT_SPEC.frame_seconds


@dataclass(frozen=True)
class Home:
    """Where a device stands while it is tested."""

    voices: int
    """That it hears in turn, at most."""

    plain_share: float | None
    """Of what is said, for what the device takes it; None: as much as any other mood."""


ALONE = Home(voices=1, plain_share=None)
AS_SHIPPED = Home(voices=2, plain_share=PLAIN_SHARE)


def used_recall(row: Row, runs: Sequence[TestedRun], temperature: float, home: Home) -> float:
    """UAR over all clips of the row, mean over the orders."""
    recalls = [
        unweighted_recall(join([used_outcome(row, run, temperature, home, order) for run in runs]))
        for order in range(ORDERS)
    ]
    return float(np.mean(recalls))


def used_outcome(row: Row, run: TestedRun, temperature: float, home: Home, order: int) -> Outcome:
    rng = np.random.default_rng(order)
    even = 1 / len(row.labels)
    plain_share = even if home.plain_share is None else home.plain_share
    windows = probabilities(run.windows[:, indices_of(row.labels)].astype(float), temperature)
    by_clip = np.split(windows, np.searchsorted(run.owner, np.arange(1, len(run.clips))))
    tested = rng.permutation(clips_of(row, run.clips))
    voices = rng.permutation(sorted({run.clips[index].speaker for index in tested}))
    device = {voice: number // home.voices for number, voice in enumerate(voices)}
    habits: dict[int, Habit] = {}
    truth, logits, speakers = [], [], []
    for index in tested:
        clip = run.clips[index]
        habit = habits.setdefault(device[clip.speaker], Habit(row.labels, plain_share))
        own = by_clip[index].astype(np.float32)
        left = [habit.push(window, HOP_SECONDS, Decision().habit) for window in own]
        truth.append(row.labels.index(clip.emotion))
        logits.append(np.log(np.maximum(left, 1e-9)).mean(axis=0))
        speakers.append(clip.speaker)
    return Outcome(row.labels, np.array(truth), np.array(logits), tuple(speakers))
