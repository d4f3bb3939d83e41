"""Turns observations into the messages that MQTT would carry, and counts what there was."""

from __future__ import annotations

from collections import Counter

from moodwire.config import Config
from moodwire.decision.observation import AlertRaised, MoodChange, Observation
from moodwire.events import SourceState
from moodwire.publish.clock import Clock
from moodwire.publish.composer import Composer, ModelIdentity
from moodwire.publish.console import Console
from moodwire.publish.publication import Delivery, Publication
from moodwire.publish.topics import Topics


class Teller:
    """Prints events, and the retained values where they are wanted, as `topic payload`."""

    def __init__(
        self,
        config: Config,
        model: ModelIdentity,
        clock: Clock,
        *,
        values: bool,
        run: str | None = None,
    ) -> None:
        topics = Topics(config.mqtt.prefix, config.device.id)
        self._composer = Composer(
            topics, clock, model, publish_level=config.mqtt.publish_level, run=run
        )
        self._console = Console()
        self._values = values

    def source(self, state: SourceState) -> None:
        self._print(self._composer.source(state))

    def tell(self, seen: Observation) -> None:
        self._print(self._composer.observe(seen))

    def _print(self, publications: list[Publication]) -> None:
        wanted = [p for p in publications if self._values or p.delivery is Delivery.EVENT]
        self._console.publish(wanted)


class Summary:
    """What a person asks afterwards: how long, how much speech, which moods."""

    def __init__(self) -> None:
        self.windows = 0
        self.judged = 0
        self.spoken = 0
        self.moods: Counter[str] = Counter()
        self.alerts: Counter[str] = Counter()

    def add(self, seen: Observation) -> None:
        self.windows += 1
        self.judged += seen.window.probabilities is not None
        self.spoken += seen.window.speech
        for change in seen.changes:
            if isinstance(change, AlertRaised):
                self.alerts[change.alert] += 1
            elif isinstance(change, MoodChange) and change.change == "started":
                self.moods[change.mood] += 1

    def __str__(self) -> str:
        speech = self.spoken / self.windows if self.windows else 0.0
        parts = [f"speech {speech:.0%} of the time", f"{self.judged} windows judged"]
        parts.append(_counted(self.moods, "mood") or "no mood told")
        if self.alerts:
            parts.append(_counted(self.alerts, "alert"))
        return ", ".join(parts)


def _counted(counts: Counter[str], what: str) -> str:
    total = counts.total()
    if not total:
        return ""
    each = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    return f"{total} {what}{'s' if total > 1 else ''} ({each})"
