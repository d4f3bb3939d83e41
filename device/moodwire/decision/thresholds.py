"""Which probability begins and ends which mood, from the settings and the bundle's advice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moodwire.config import Alert, Config, Decision


class UnknownMoodError(ValueError):
    """A setting names a mood that the model does not have; the message lists those it has."""


@dataclass(frozen=True)
class Thresholds:
    """One number per label, in the model's order."""

    enter: NDArray[np.float64]
    exit: NDArray[np.float64]


def thresholds(
    labels: Sequence[str], settings: Decision, advice: Mapping[str, float] | None = None
) -> Thresholds:
    """The bundle's advice can raise `enter` for a mood; `per_mood` has the last word."""
    check_moods(labels, settings.per_mood, "decision.per_mood")
    unusual = [mood for mood in settings.untold if mood not in Decision().untold]
    check_moods(labels, unusual, "decision.untold")  # not every model knows `neutral`
    enter = [max(settings.enter, (advice or {}).get(label, 0.0)) for label in labels]
    leave = [settings.exit] * len(labels)
    for label, own in settings.per_mood.items():
        index = list(labels).index(label)
        enter[index] = enter[index] if own.enter is None else own.enter
        leave[index] = leave[index] if own.exit is None else own.exit
    # A mood that begins under its own exit threshold would end with the next window.
    return Thresholds(np.array(enter), np.minimum(leave, enter))


def check_config(labels: Sequence[str], config: Config) -> None:
    """Moods are named in the file; only the model knows which there are."""
    check_moods(labels, config.decision.per_mood, "decision.per_mood")
    check_alerts(labels, config.alert)


def check_alerts(labels: Sequence[str], alerts: Iterable[Alert]) -> None:
    for alert in alerts:
        check_moods(labels, alert.moods, f"alert {alert.name!r}: moods")


def check_moods(labels: Sequence[str], moods: Iterable[str], setting: str) -> None:
    for mood in moods:
        if mood not in labels:
            raise UnknownMoodError(
                f"{setting} names {mood!r}; the model knows {', '.join(sorted(labels))}"
            )
