"""Figures checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodwire_training.clips import Clip
from moodwire_training.evaluation.metrics import (
    Outcome,
    accuracy,
    calibration_error,
    fit_temperature,
    likelihood,
    macro_f1,
    probabilities,
    risk_coverage,
    speaker_interval,
    unweighted_recall,
)
from moodwire_training.evaluation.rows import ROWS, outcome_of
from moodwire_training.labels import UNION


def outcome(truth: list[int], guess: list[int], speakers: list[str] | None = None) -> Outcome:
    logits = np.eye(2)[guess] * 4
    names = tuple(speakers or ["one"] * len(truth))
    return Outcome(("angry", "happy"), np.array(truth), logits, names)


def test_recall_counts_moods_alike_and_accuracy_counts_clips() -> None:
    # 3 of 4 angry right, 0 of 1 happy right
    found = outcome([0, 0, 0, 0, 1], [0, 0, 0, 1, 0])
    assert unweighted_recall(found) == pytest.approx((0.75 + 0.0) / 2)
    assert accuracy(found) == pytest.approx(3 / 5)
    assert macro_f1(found) == pytest.approx((2 * 3 / (4 + 4) + 0) / 2)


def test_a_mood_that_never_occurs_does_not_count() -> None:
    assert unweighted_recall(outcome([0, 0], [0, 1])) == pytest.approx(0.5)


def test_interval_is_over_speakers() -> None:
    # three voices always right, three always wrong: clips would say 45-55 %
    truth = [0, 1] * 300
    guess = truth[:300] + [1 - t for t in truth[300:]]
    voices = [name for name in "abcdef" for _ in range(100)]
    low, high = speaker_interval(outcome(truth, guess, voices)) or (0.5, 0.5)
    assert low < 0.2
    assert high > 0.8


def test_two_voices_tell_no_interval() -> None:
    assert speaker_interval(outcome([0, 1] * 2, [0, 1, 1, 0], ["a", "a", "b", "b"])) is None


def test_calibration_error_of_known_confidence() -> None:
    probability = np.array([[0.9, 0.1]] * 10)
    truth = np.array([0] * 6 + [1] * 4)
    assert calibration_error(probability, truth) == pytest.approx(0.3)


@given(st.floats(0.1, 10.0))
@settings(max_examples=8, deadline=None)
def test_temperature_makes_confidence_true(put_in: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (20_000, 4))
    drawn = probabilities(logits).cumsum(axis=1) > rng.random((20_000, 1))
    truth = drawn.argmax(axis=1)
    distorted = logits * put_in
    temperature = fit_temperature(distorted, truth)
    assert temperature == pytest.approx(put_in, rel=0.05)
    assert calibration_error(probabilities(distorted, temperature), truth) < 0.02
    assert likelihood(distorted, truth, temperature) <= likelihood(distorted, truth, 1.0) + 1e-4


def test_answering_less_errs_less() -> None:
    probability = np.array([[0.99, 0.01], [0.9, 0.1], [0.6, 0.4], [0.55, 0.45]])
    points = risk_coverage(probability, np.array([0, 0, 1, 1]))
    assert points[0] == (0.25, 0.0)
    assert points[-1] == (1.0, 0.5)


def test_a_row_decides_among_its_own_moods() -> None:
    clips = [Clip("RAVDESS", "a", "RAV01", "neutral"), Clip("RAVDESS", "b", "RAV01", "calm")]
    logits = np.zeros((2, len(UNION)), np.float32)
    logits[:, UNION.index("calm")] = 5
    logits[:, UNION.index("neutral")] = 4
    rows = {row.name: row for row in ROWS}
    eight, six = (
        outcome_of(rows["RAVDESS 8"], clips, logits),
        outcome_of(rows["RAVDESS 6"], clips, logits),
    )
    assert eight is not None and six is not None
    assert unweighted_recall(eight) == 0.5
    assert (len(six.truth), unweighted_recall(six)) == (1, 1.0)
    assert outcome_of(rows["TESS 6"], clips, logits) is None


def test_pooled_rows_need_all_four_corpora_of_the_student_projects() -> None:
    corpora = ("CREMA-D", "RAVDESS", "SAVEE", "TESS", "nEMO")
    clips = [Clip(corpus, corpus, corpus, "sad") for corpus in corpora]
    logits = np.zeros((len(clips), len(UNION)), np.float32)
    logits[:2, UNION.index("sad")] = logits[2:, UNION.index("happy")] = 1
    pooled = next(row for row in ROWS if row.name == "pooled 6")
    outcome = outcome_of(pooled, clips, logits)
    assert outcome is not None
    assert (len(outcome.truth), unweighted_recall(outcome)) == (4, 0.5)
    assert outcome_of(pooled, clips[1:], logits[1:]) is None
