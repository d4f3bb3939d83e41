"""Which settings of gate and decision serve best: replays of what was heard, without its sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import replace

from moodwire.config import Decision, Gate
from moodwire_training.stream.compose import MOODS
from moodwire_training.stream.hear import Heard, decide, gated
from moodwire_training.stream.score import GOALS, goals, score

OPEN = Gate(enter=0.2, exit=0.05, minimum_speech=0.3)
"""Lets everything through that any candidate would."""

GATES = tuple(
    Gate(enter=enter, exit=leave, minimum_speech=least)
    for enter in (0.7, 0.9, 0.93)
    for leave in (0.2, 0.35, 0.5)
    for least in (0.6, 0.8, 1.0)
)
SMOOTHING = (0.0, 0.25, 0.5, 1.0)
ENTER = (0.31, 0.34, 0.37, 0.41, 0.5)
EXIT_SHARE = (0.7, 0.8, 0.9)
VOTES = ((1, 1), (2, 3), (3, 4), (4, 6))
LEAST_DURATION = (0.25, 0.5, 0.75, 1.0)

STEPS = (0.05, 0.1, 0.2)
"""A manifest can only raise a mood's threshold."""


@dataclass(frozen=True)
class Candidate:
    """Settings, and what they came to."""

    gate: Gate
    decision: Decision
    advice: Mapping[str, float]
    """Enter thresholds of single moods, as a bundle's manifest gives them."""
    figures: dict[str, Any]

    @property
    def rank(self) -> tuple[float, float]:
        """By how far the goals are missed, each at most by its whole; then by recall."""
        missed = 0.0
        for name, value, _, reached in goals(self.figures):
            missed += 0.0 if reached else min(1.0, abs(value - GOALS[name][1]) / GOALS[name][1])
        return (-round(missed, 2), self.figures.get("moods", {}).get("recall", 0.0))


def search(
    heard: Sequence[Heard], labels: Sequence[str], base: Decision, per_gate: int, seed: int
) -> list[Candidate]:
    """So many decisions drawn for each gate; `heard` with the gate OPEN. The best come first."""
    rng = np.random.default_rng(seed)
    tried = []
    for gate in GATES:
        passed = [gated(one, gate) for one in heard]
        for decision in _drawn(rng, base, per_gate):
            tried.append(_try(passed, labels, gate, decision, {}))
    return sorted(tried, key=lambda candidate: candidate.rank, reverse=True)


def refine(heard: Sequence[Heard], labels: Sequence[str], best: Candidate) -> Candidate:
    """Ask more of single moods where that serves better."""
    passed = [gated(one, best.gate) for one in heard]
    for mood in MOODS:
        for step in STEPS:
            advice = {**best.advice, mood: round(best.decision.enter + step, 2)}
            tried = _try(passed, labels, best.gate, best.decision, advice)
            best = max(best, tried, key=lambda candidate: candidate.rank)
    return best


def _try(
    passed: Sequence[Heard],
    labels: Sequence[str],
    gate: Gate,
    decision: Decision,
    advice: Mapping[str, float],
) -> Candidate:
    figures = score(decide(passed, labels, decision, advice))
    return Candidate(gate, decision, advice, figures)


def _drawn(rng: np.random.Generator, base: Decision, count: int) -> Iterator[Decision]:
    yield base
    for _ in range(count - 1):
        enter = float(rng.choice(ENTER))
        votes = VOTES[int(rng.integers(len(VOTES)))]
        yield replace(
            base,
            smoothing=float(rng.choice(SMOOTHING)),
            enter=enter,
            exit=round(enter * float(rng.choice(EXIT_SHARE)), 2),
            onset_votes=votes[0],
            onset_windows=votes[1],
            minimum_duration=float(rng.choice(LEAST_DURATION)),
        )


def describe(candidate: Candidate) -> str:
    gate, decision = candidate.gate, candidate.decision
    came_to = ", ".join(f"{name} {value:g}" for name, value, _, _ in goals(candidate.figures))
    return (
        f"gate enter {gate.enter:g} exit {gate.exit:g} minimum_speech {gate.minimum_speech:g} "
        f"decision smoothing {decision.smoothing:g} "
        f"enter {decision.enter:g} exit {decision.exit:g} "
        f"votes {decision.onset_votes}/{decision.onset_windows} "
        f"minimum_duration {decision.minimum_duration:g} moods {dict(candidate.advice)}: {came_to}"
    )
