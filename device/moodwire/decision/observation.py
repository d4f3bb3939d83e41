"""What the pipeline says after each hop: plain values, times in seconds of the stream's clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray


def by_label(
    labels: Sequence[str], probabilities: NDArray[np.float32] | None, digits: int
) -> dict[str, float] | None:
    """As they are told."""
    if probabilities is None:
        return None
    pairs = zip(labels, probabilities, strict=True)
    return {label: round(float(value), digits) for label, value in pairs}


@dataclass(frozen=True, slots=True)
class Window:
    """One hop as heard: what the gate and the model make of the newest window."""

    time: float
    """Monotonic seconds at the window's last sample."""

    speech: bool
    """Somebody speaks."""

    level: float | None
    """dB relative to full scale over the hop; None for digital silence."""

    snr: float | None
    """Speech over background in dB, where both are known."""

    probabilities: NDArray[np.float32] | None
    """Calibrated, in the order of the model's labels; None where the gate kept the model asleep."""

    spoken: float = 0.0
    """Seconds of speech within the window."""


@dataclass(frozen=True, slots=True)
class MoodChange:
    """A mood that people can trust began or ended."""

    change: Literal["started", "ended"]
    mood: str
    time: float
    """When it began or ended (not when that became certain)."""

    duration: float
    """Seconds since the mood began."""

    confidence: float
    probabilities: NDArray[np.float32]
    level: float | None
    snr: float | None


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """A rule came true."""

    alert: str
    mood: str
    confidence: float
    time: float
    sustained: float


@dataclass(frozen=True, slots=True)
class Observation:
    """The state after one hop, and what changed in it."""

    window: Window
    mood: str
    """A label, `quiet` or `uncertain`."""

    confidence: float | None
    smoothed: NDArray[np.float32] | None
    since: float
    """When the present mood began."""

    changes: tuple[MoodChange | AlertRaised, ...] = ()

    gap: bool = False
    """Nothing was heard: the sound breaks off at the window's time."""

    def at(self, moved: Callable[[float], float]) -> Observation:
        """The same at other times; durations stay what they are."""
        return replace(
            self,
            window=replace(self.window, time=moved(self.window.time)),
            since=moved(self.since),
            changes=tuple(replace(each, time=moved(each.time)) for each in self.changes),
        )
