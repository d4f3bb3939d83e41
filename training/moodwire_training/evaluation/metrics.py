"""Figures over predictions; recall averaged over the moods (UAR) is the one that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from moodwire.softmax import softmax

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

FEWEST_SPEAKERS = 5

TEMPERATURES = (0.05, 20.0)
"""What a manifest may hold."""


@dataclass(frozen=True)
class Outcome:
    """Predictions on one row of the table: `truth` indexes the columns of `logits`."""

    labels: tuple[str, ...]
    truth: Ints
    logits: Floats
    speakers: tuple[str, ...]

    @property
    def guess(self) -> Ints:
        return np.asarray(self.logits.argmax(axis=1))

    def at(self, rows: Ints) -> Outcome:
        speakers = tuple(self.speakers[row] for row in rows)
        return Outcome(self.labels, self.truth[rows], self.logits[rows], speakers)


def join(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        outcomes[0].labels,
        np.concatenate([outcome.truth for outcome in outcomes]),
        np.concatenate([outcome.logits for outcome in outcomes]),
        tuple(speaker for outcome in outcomes for speaker in outcome.speakers),
    )


def probabilities(logits: Floats, temperature: float = 1.0) -> Floats:
    return softmax(logits / temperature)


def confusion(truth: Ints, guess: Ints, classes: int) -> Ints:
    """Rows are the truth, columns the guess."""
    flat = np.bincount(truth * classes + guess, minlength=classes * classes)
    return np.asarray(flat.reshape(classes, classes), dtype=np.int64)


def recalls(counts: Ints) -> Floats:
    """NaN for moods that do not occur."""
    total = counts.sum(axis=1)
    return np.where(total > 0, np.diag(counts) / np.maximum(total, 1), np.nan)


def unweighted_recall(outcome: Outcome) -> float:
    counts = confusion(outcome.truth, outcome.guess, len(outcome.labels))
    return float(np.nanmean(recalls(counts)))


def accuracy(outcome: Outcome) -> float:
    return float((outcome.truth == outcome.guess).mean())


def macro_f1(outcome: Outcome) -> float:
    counts = confusion(outcome.truth, outcome.guess, len(outcome.labels)).astype(float)
    hit, row, column = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return float((2 * hit / np.maximum(row + column, 1))[row > 0].mean())


def speaker_interval(
    outcome: Outcome, draws: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[float, float] | None:
    """Bootstrap of UAR over speakers, not clips: clips of one voice stand and fall together.

    None for fewer than FEWEST_SPEAKERS: drawing from two voices says nothing about a third.
    """
    names = sorted(set(outcome.speakers))
    if len(names) < FEWEST_SPEAKERS:
        return None
    rng = np.random.default_rng(seed)
    classes = len(outcome.labels)
    speakers = np.array(outcome.speakers)
    tables = np.stack(
        [
            confusion(outcome.truth[chosen], outcome.guess[chosen], classes)
            for name in names
            if (chosen := speakers == name).any()
        ]
    )
    picks = rng.integers(0, len(tables), (draws, len(tables)))
    values = [float(np.nanmean(recalls(tables[pick].sum(axis=0)))) for pick in picks]
    edge = (1 - level) / 2
    low, high = np.quantile(values, (edge, 1 - edge))
    return round(float(low), 4), round(float(high), 4)


def calibration_error(probability: Floats, truth: Ints, bins: int = 15) -> float:
    """Expected calibration error (ECE) of the winning mood's probability."""
    confidence, hit = probability.max(axis=1), probability.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for number in range(bins):
        inside = place == number
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - hit[inside].mean())
    return float(error)


def likelihood(logits: Floats, truth: Ints, temperature: float) -> float:
    """Negative log-likelihood of the truth, in nats."""
    chosen = probabilities(logits, temperature)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def fit_temperature(logits: Floats, truth: Ints) -> float:
    """The temperature of greatest likelihood."""
    best = scipy.optimize.minimize_scalar(
        lambda exponent: likelihood(logits, truth, float(np.exp(exponent))),
        bounds=tuple(np.log(TEMPERATURES)),
        method="bounded",
    )
    return float(np.exp(best.x))


def risk_coverage(probability: Floats, truth: Ints) -> list[tuple[float, float]]:
    """(share answered, share of the answers wrong) when only the surest clips are answered."""
    order = np.argsort(-probability.max(axis=1), kind="stable")
    wrong = (probability.argmax(axis=1) != truth)[order]
    covered = np.arange(1, len(truth) + 1)
    risks = np.cumsum(wrong) / covered
    picks = np.unique(np.linspace(0, len(truth) - 1, 40).astype(int))
    return [(float(covered[i] / len(truth)), float(risks[i])) for i in picks]
