"""Windows in, observations out: the whole decision, a pure function of what it was shown."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from moodwire.config import Alert, Decision
from moodwire.decision.alerts import Alerts
from moodwire.decision.habit import Habit
from moodwire.decision.moods import TICK, Moods
from moodwire.decision.observation import AlertRaised, MoodChange, Observation, Window
from moodwire.decision.smoothing import Smoothing
from moodwire.decision.thresholds import check_alerts, thresholds
from moodwire.events import QUIET, UNCERTAIN

Array = NDArray[np.float32]


class Decider:
    """Gets used to voices, smooths, decides which mood holds, applies the rules.

    Replays a recording to the letter.
    """

    def __init__(
        self,
        labels: Sequence[str],
        settings: Decision,
        alerts: Sequence[Alert] = (),
        advice: Mapping[str, float] | None = None,
    ) -> None:
        self.labels = tuple(labels)
        self._advice = dict(advice or {})
        self._habit = Habit(self.labels)
        self._smoothing = Smoothing(len(self.labels))
        check_alerts(self.labels, alerts)
        self._settings = settings
        self._moods = Moods(self.labels, settings, thresholds(labels, settings, advice))
        self._alerts = Alerts(alerts)
        self._shown = QUIET
        self._since: float | None = None
        self._spoken = -math.inf
        self._recent: deque[Array] = deque(maxlen=len(settings.views))
        """What each view said last: together they are shown, each alone has a vote."""
        self._is_told = False  # what holds, as something that started

    def configure(self, settings: Decision, alerts: Sequence[Alert]) -> None:
        """Other settings from the next window on; a mood that holds goes on holding."""
        limits = thresholds(self.labels, settings, self._advice)
        check_alerts(self.labels, alerts)
        self._settings = settings
        self._recent = deque(self._recent, maxlen=len(settings.views))
        self._moods.configure(settings, limits)
        self._alerts.configure(alerts)

    def step(self, window: Window) -> Observation:
        how, heard = self._settings, window.probabilities
        if heard is not None:
            heard = self._habit.push(heard, how.hop, how.habit)
        self._smoothing.push(window.time, how.smoothing, heard)
        judged = self._smoothing.mean if heard is not None else None
        if judged is not None:
            self._recent.append(judged)
        if window.speech:
            self._spoken = window.time
        changes = self._to_tell(self._moods.step(window, judged))
        told = self._moods.told
        mood = self.labels[told.label] if told else None
        confidence = float(judged[told.label]) if told and judged is not None else None
        alerts = self._alerts.step(window.time, mood, confidence)
        return self._observe(window, [*changes, *alerts])

    def stop(self, time: float) -> Observation:
        """The sound ends or breaks off: what holds is ended, what was heard is forgotten.

        Not what the voices here always sound like: they will be the same.
        """
        changes = self._to_tell(self._moods.stop())
        self._alerts.interrupt()
        self._smoothing.reset()
        self._recent.clear()
        silent = Window(time, speech=False, level=None, snr=None, probabilities=None)
        return replace(self._observe(silent, changes), gap=True)

    def _observe(self, window: Window, changes: Sequence[MoodChange | AlertRaised]) -> Observation:
        told = self._moods.told
        smoothed = self._recently_heard(window.time)
        if told:
            shown, since = self.labels[told.label], told.began
        else:
            shown = QUIET if smoothed is None else UNCERTAIN
            since = window.time
        if shown != self._shown or self._since is None:
            self._shown, self._since = shown, since
        confidence = None
        if smoothed is not None:
            confidence = float(smoothed[told.label] if told else smoothed.max())
        return Observation(window, shown, confidence, smoothed, self._since, tuple(changes))

    def _to_tell(self, changes: Sequence[MoodChange]) -> list[MoodChange]:
        """A mood that was told as started is told as ended, whatever the settings say by then."""
        told = []
        for change in changes:
            if change.change == "started":
                self._is_told = change.mood not in self._settings.untold
            if self._is_told:
                told.append(change)
        return told

    def _recently_heard(self, time: float) -> Array | None:
        """Within the hold, a pause between sentences is not yet quiet."""
        recent = time - self._spoken <= self._settings.hold + TICK
        if not recent and not self._moods.told:
            self._recent.clear()
        return np.mean(self._recent, axis=0, dtype=np.float32) if self._recent else None
