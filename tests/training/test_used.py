"""Recall once a voice is known: better for a voice that leans somewhere, and without its labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from moodwire_training.clips import Clip
from moodwire_training.evaluation import runs
from moodwire_training.evaluation.metrics import unweighted_recall
from moodwire_training.evaluation.rows import ROWS, outcome_of
from moodwire_training.evaluation.used import ALONE, AS_SHIPPED, used_outcome, used_recall
from moodwire_training.labels import SIX, UNION

ROW = next(row for row in ROWS if row.name == "CREMA-D 6")
REPEATS = 20


def run_of_a_voice(leaning: float) -> runs.TestedRun:
    """Every mood in equal parts, from a voice that leans towards sadness so much."""
    clips = tuple(
        Clip("CREMA-D", f"1001_{mood}_{number}", "CRE1001", mood)
        for number in range(REPEATS)
        for mood in SIX
    )
    windows = np.random.default_rng(1).normal(0.0, 0.5, (2 * len(clips), len(UNION)))
    windows[:, UNION.index("sad")] += leaning
    for index, clip in enumerate(clips):
        windows[2 * index : 2 * index + 2, UNION.index(clip.emotion)] += 2.5
    owner = np.repeat(np.arange(len(clips)), 2)
    return runs.TestedRun("1", 0, 0.0, clips, owner, windows.astype(np.float32))


def test_a_voice_that_leans_to_sadness_is_understood_in_time() -> None:
    run = run_of_a_voice(leaning=2.5)
    first = outcome_of(ROW, run.clips, run.logits)
    assert first
    assert unweighted_recall(first) < 0.75
    assert used_recall(ROW, [run], 1.0, ALONE) > unweighted_recall(first) + 0.1


def test_a_voice_without_leanings_loses_nothing() -> None:
    run = run_of_a_voice(leaning=0.0)
    first = outcome_of(ROW, run.clips, run.logits)
    assert first
    assert used_recall(ROW, [run], 1.0, ALONE) > unweighted_recall(first) - 0.02


def test_as_shipped_two_voices_share_what_the_device_got_used_to() -> None:
    sad, happy = run_of_a_voice(leaning=2.5), run_of_a_voice(leaning=-2.5)
    other = tuple(replace(clip, speaker="CRE1002") for clip in happy.clips)
    both = replace(
        sad,
        clips=(*sad.clips, *other),
        owner=np.concatenate((sad.owner, happy.owner + len(sad.clips))),
        windows=np.concatenate((sad.windows, happy.windows)),
    )
    alone, shared = (used_recall(ROW, [both], 1.0, home) for home in (ALONE, AS_SHIPPED))
    assert alone > shared + 0.02


def test_no_label_of_the_tested_voice_is_used() -> None:
    run = run_of_a_voice(leaning=2.5)
    lying = replace(run, clips=tuple(replace(clip, emotion="fear") for clip in run.clips))
    true, false = (used_outcome(ROW, each, 1.0, ALONE, order=0) for each in (run, lying))
    np.testing.assert_array_equal(true.logits, false.logits)
