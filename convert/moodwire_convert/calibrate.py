"""Figures on labelled windows, and the temperature that makes probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from moodwire.model.classifier import softmax
from moodwire.model.manifest import Metric

Array = NDArray[np.float32]
Labels = NDArray[np.int64]

BINS = 15
TEMPERATURES = (0.05, 20.0)
"""What a manifest may hold."""


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


def likelihood(logits: Array, truth: Labels, temperature: float) -> float:
    """Negative log-likelihood per window, in nats."""
    chosen = softmax(logits / np.float32(temperature))[np.arange(len(truth)), truth]
    return float(-np.mean(np.log(np.maximum(chosen, 1e-12))))


def calibration_error(logits: Array, truth: Labels, temperature: float) -> float:
    """Expected calibration error of the winning label's probability, in BINS bins."""
    probabilities = softmax(logits / np.float32(temperature))
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        np.sum(place == number)
        * abs(right[place == number].mean() - confidence[place == number].mean())
        for number in set(place)
    ]
    return float(np.sum(gaps) / len(truth))


def fit_temperature(logits: Array, truth: Labels) -> float:
    """The temperature of greatest likelihood."""
    best = scipy.optimize.minimize_scalar(
        lambda exponent: likelihood(logits, truth, float(np.exp(exponent))),
        bounds=tuple(np.log(TEMPERATURES)),
        method="bounded",
    )
    return float(np.exp(best.x))


def fitted_metrics(name: str, logits: Array, truth: Labels, temperature: float) -> list[Metric]:
    """What the temperature changed."""
    values = {
        "nll_before": likelihood(logits, truth, 1.0),
        "nll_after": likelihood(logits, truth, temperature),
        "ece_before": calibration_error(logits, truth, 1.0),
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
        calibration_error=calibration_error(int8, truth, temperature),
    )


def _metrics(name: str, values: dict[str, float], protocol: str) -> list[Metric]:
    return [
        Metric(name=f"{name}.{key}", value=round(value, 4), protocol=protocol)
        for key, value in values.items()
    ]
