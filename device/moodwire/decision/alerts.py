"""Rules that tell when a mood is held for long enough, each with its own cool-down."""

from __future__ import annotations

import math
from collections.abc import Sequence

from moodwire.config import Alert
from moodwire.decision.moods import TICK
from moodwire.decision.observation import AlertRaised


class AlertRule:
    """One rule. A pause in speech neither breaks nor proves it, as long as the mood is held."""

    def __init__(self, settings: Alert) -> None:
        self.settings = settings
        self._raised = -math.inf
        self.interrupt()

    def interrupt(self) -> None:
        self._since: float | None = None

    def step(self, time: float, mood: str | None, confidence: float | None) -> AlertRaised | None:
        """`confidence` is None where nobody speaks. Raised again after each cool-down."""
        rule = self.settings
        if mood not in rule.moods:
            self.interrupt()
            return None
        if confidence is None:
            return None
        if confidence < rule.confidence:
            self.interrupt()
            return None
        self._since = time if self._since is None else self._since
        sustained = time - self._since
        rested = time - self._raised >= rule.cool_down - TICK
        if sustained < rule.sustained - TICK or not rested:
            return None
        self._raised = time
        return AlertRaised(rule.name, mood, confidence, time, sustained)


class Alerts:
    """All rules of the configuration."""

    def __init__(self, rules: Sequence[Alert]) -> None:
        self._rules: list[AlertRule] = []
        self.configure(rules)

    def configure(self, rules: Sequence[Alert]) -> None:
        """Rules that did not change keep their cool-down."""
        known = {rule.settings.name: rule for rule in self._rules if rule.settings in rules}
        self._rules = [known.get(rule.name) or AlertRule(rule) for rule in rules]

    def interrupt(self) -> None:
        for rule in self._rules:
            rule.interrupt()

    def step(self, time: float, mood: str | None, confidence: float | None) -> list[AlertRaised]:
        raised = (rule.step(time, mood, confidence) for rule in self._rules)
        return [each for each in raised if each]
