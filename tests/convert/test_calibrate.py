"""Figures that a manifest states must be right: checked against cases that can be worked out."""

from __future__ import annotations

import numpy as np
import pytest

from moodwire_convert.calibrate import labelled, narrow, recall


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
