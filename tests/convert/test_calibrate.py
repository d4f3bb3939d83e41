"""Figures that a manifest states must be right: checked against cases that can be worked out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodwire.model.classifier import softmax
from moodwire_convert.calibrate import (
    calibration_error,
    fit_temperature,
    labelled,
    likelihood,
    narrow,
    recall,
)


def honest(temperature, count=20_000, classes=6):
    """Logits that are too sure by the temperature, and labels that follow the truth."""
    random = np.random.default_rng(11)
    logits = random.normal(scale=1.5, size=(count, classes)).astype(np.float32)
    fair = softmax(logits).cumsum(axis=1)
    labels = (random.random((count, 1)) > fair).sum(axis=1).clip(max=classes - 1)
    return logits * np.float32(temperature), labels


@given(st.floats(0.3, 5.0))
@settings(max_examples=8, deadline=None)
def test_the_temperature_that_was_put_in_is_found(temperature):
    logits, labels = honest(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_calibration_error_is_small_only_for_the_right_temperature():
    logits, labels = honest(2.0)
    assert calibration_error(logits, labels, 2.0) < 0.015
    assert calibration_error(logits, labels, 1.0) > 0.08
    assert likelihood(logits, labels, 2.0) < likelihood(logits, labels, 1.0)


def test_calibration_error_of_a_known_case():
    # always 0.9 sure, right every second time
    logits = np.tile(np.log(np.float32([0.9, 0.1])), (100, 1))
    labels = np.arange(100) % 2
    assert calibration_error(logits, labels, 1.0) == pytest.approx(0.4, abs=1e-6)


def test_recall_counts_every_label_alike():
    truth = np.array([0] * 90 + [1] * 10)
    assert recall(np.zeros(100, dtype=int), truth) == pytest.approx(0.5)
    assert recall(truth, truth) == 1.0


def test_narrowing_keeps_order_and_numbers_anew():
    windows = labelled(np.arange(5)[:, None, None], np.array([8, 2, 0, 8, 5]))
    kept = narrow(windows, [5, 8])
    assert kept.labels.tolist() == [1, 1, 0]
    assert kept.features.ravel().tolist() == [0, 3, 4]
    with pytest.raises(ValueError, match="5 windows have 4 labels"):
        labelled(np.zeros((5, 1, 1)), np.zeros(4))
