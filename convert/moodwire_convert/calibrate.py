"""Figures on labelled windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moodwire.model.manifest import Metric
from moodwire_training.evaluation.metrics import calibration_error, likelihood, probabilities

Array = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Labelled:
    """Windows as the front end makes them, and the number of each one's label."""

    features: Array
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


def labelled(features: NDArray[np.generic], labels: NDArray[np.generic]) -> Labelled:
    if len(features) != len(labels):
        raise ValueError(f"{len(features)} windows have {len(labels)} labels")
    return Labelled(np.asarray(features, dtype=np.float32), np.asarray(labels, dtype=np.int64))


def narrow(windows: Labelled, outputs: list[int]) -> Labelled:
    """Only windows of the kept labels, numbered anew."""
    number = {old: new for new, old in enumerate(outputs)}
    kept = np.isin(windows.labels, outputs)
    renumbered = np.array([number[int(label)] for label in windows.labels[kept]], dtype=np.int64)
    return Labelled(windows.features[kept], renumbered)


def recall(predicted: NDArray[Any], truth: NDArray[Any]) -> float:
    """Mean over the labels present of the share of each that was found (UAR)."""
    return float(np.mean([np.mean(predicted[truth == label] == label) for label in set(truth)]))


def fitted_metrics(name: str, logits: Array, truth: Labels, temperature: float) -> list[Metric]:
    """What the temperature changed."""
    values = {
        "nll_before": likelihood(logits, truth, 1.0),
        "nll_after": likelihood(logits, truth, temperature),
        "ece_before": calibration_error(probabilities(logits), truth),
    }
    protocol = f"{len(truth)} windows of speakers not trained on, int8; temperature fitted on them"
    return _metrics(name, values, protocol)


@dataclass(frozen=True)
class Comparison:
    """int8 beside float on one set of windows."""

    name: str
    windows: int
    uar_float: float
    uar_int8: float
    agreement: float
    calibration_error: float

    @property
    def metrics(self) -> list[Metric]:
        values = {
            "uar": self.uar_int8,
            "uar_lost_to_int8": self.uar_float - self.uar_int8,
            "agreement": self.agreement,
            "ece": self.calibration_error,
        }
        protocol = f"{self.windows} single windows of the set {self.name!r}, the shipped int8 file"
        return _metrics(self.name, values, protocol)


def compare(name: str, truth: Labels, exact: Array, int8: Array, temperature: float) -> Comparison:
    chosen, meant = int8.argmax(axis=1), exact.argmax(axis=1)
    return Comparison(
        name=name,
        windows=len(truth),
        uar_float=recall(meant, truth),
        uar_int8=recall(chosen, truth),
        agreement=float(np.mean(meant == chosen)),
        calibration_error=calibration_error(probabilities(int8, temperature), truth),
    )


def _metrics(name: str, values: dict[str, float], protocol: str) -> list[Metric]:
    return [
        Metric(name=f"{name}.{key}", value=round(value, 4), protocol=protocol)
        for key, value in values.items()
    ]
