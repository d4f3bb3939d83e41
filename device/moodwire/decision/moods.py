"""Which mood holds: onset by votes, a least duration, hysteresis, hold and refractory time.

A mood first is a candidate that nobody hears of. It is told once it has lasted long enough, so
no mood that is ever told is shorter than that, even if the microphone is pulled a moment later.
All times are those of the windows; there is no clock here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from moodwire.config import Decision
from moodwire.decision.observation import MoodChange, Window
from moodwire.decision.thresholds import Thresholds

Array = NDArray[np.float32]

TICK = 1e-6
"""Seconds: times closer than this are the same, whatever arithmetic they came by."""


@dataclass(slots=True)
class Evidence:
    """What a mood's windows said on average."""

    probabilities: NDArray[np.float64]
    windows: int = 0
    level: list[float] = field(default_factory=lambda: [0.0, 0.0])
    snr: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def add(self, smoothed: Array, window: Window) -> None:
        self.probabilities += smoothed
        self.windows += 1
        for mean, value in ((self.level, window.level), (self.snr, window.snr)):
            if value is not None:
                mean[0] += value
                mean[1] += 1.0


@dataclass(slots=True)
class Mood:
    """One that holds, told or not."""

    label: int
    began: float
    heard: float
    """The last window that supported it."""

    spoken: float
    """The last of these while somebody still spoke."""

    evidence: Evidence

    @property
    def lasted(self) -> float:
        return self.heard - self.began

    def support(self, smoothed: Array, window: Window) -> None:
        self.heard = window.time
        if window.speech:
            self.spoken = window.time
        self.evidence.add(smoothed, window)


class Moods:
    """At most one mood that was told, and at most one candidate for the next."""

    def __init__(self, labels: tuple[str, ...], settings: Decision, thresholds: Thresholds) -> None:
        self.labels = labels
        self.told: Mood | None = None
        self._candidate: Mood | None = None
        self._ended: dict[int, float] = {}
        self._votes: deque[tuple[int, float] | None] = deque()
        self.configure(settings, thresholds)

    def configure(self, settings: Decision, thresholds: Thresholds) -> None:
        """Other settings from the next window on; what holds goes on."""
        self._settings = settings
        self._thresholds = thresholds
        self._votes = deque(self._votes, maxlen=settings.onset_windows)

    def step(self, window: Window, smoothed: Array | None) -> list[MoodChange]:
        """`smoothed` belongs to a judged window; None where there was nothing to judge."""
        changes = []
        if self.told and self._is_over(self.told, window, smoothed):
            changes.append(self._end(self._last_words(self.told)))
        if self._candidate and self._is_over(self._candidate, window, smoothed):
            self._candidate = None
        self._vote(window, smoothed)
        self._nominate(window, smoothed)
        candidate = self._candidate
        if candidate and candidate.lasted >= self._settings.minimum_duration - TICK:
            if self.told:
                changes.append(self._end(min(self._last_words(self.told), candidate.began)))
            changes.append(self._tell(candidate))
        return changes

    def stop(self) -> list[MoodChange]:
        """The sound ends here: what was told ends with the last window that supported it."""
        changes = [self._end(self._last_words(self.told))] if self.told else []
        self._candidate = None
        self._votes.clear()
        return changes

    def _is_over(self, mood: Mood, window: Window, smoothed: Array | None) -> bool:
        """Also takes note of the window where it supports the mood."""
        if smoothed is None:
            return window.time - mood.spoken > self._settings.hold + TICK
        if smoothed[mood.label] < self._thresholds.exit[mood.label]:
            return True
        mood.support(smoothed, window)
        return False

    def _vote(self, window: Window, smoothed: Array | None) -> None:
        self._votes.append(None)
        if smoothed is None:
            return
        label = int(np.argmax(smoothed))
        rested = self._ended.get(label, -np.inf) + self._settings.refractory
        if smoothed[label] >= self._thresholds.enter[label] and window.time >= rested - TICK:
            self._votes[-1] = (label, window.time)

    def _nominate(self, window: Window, smoothed: Array | None) -> None:
        newest = self._votes[-1]
        if newest is None or smoothed is None:
            return
        label = newest[0]
        if any(mood and mood.label == label for mood in (self.told, self._candidate)):
            return
        times = [vote[1] for vote in self._votes if vote and vote[0] == label]
        if len(times) >= min(self._settings.onset_votes, self._settings.onset_windows):
            began, nothing = times[0], Evidence(np.zeros(len(smoothed)))
            self._candidate = Mood(label, began, began, began, nothing)
            self._candidate.support(smoothed, window)

    def _last_words(self, mood: Mood) -> float:
        """When it ended: windows go on being judged for a moment after somebody spoke."""
        least = mood.began + self._settings.minimum_duration
        return min(mood.heard, max(mood.spoken, least))

    def _tell(self, mood: Mood) -> MoodChange:
        self.told, self._candidate = mood, None
        self._votes.clear()
        return self._change("started", mood, mood.began)

    def _end(self, time: float) -> MoodChange:
        assert self.told is not None
        mood, self.told = self.told, None
        self._ended[mood.label] = time
        # What speaks for the next mood counts from here on; moods do not overlap.
        for place, vote in enumerate(self._votes):
            if vote and (vote[0] == mood.label or vote[1] < time):
                self._votes[place] = None
        if self._candidate:
            self._candidate.began = max(self._candidate.began, time)
        return self._change("ended", mood, time)

    def _change(self, change: str, mood: Mood, time: float) -> MoodChange:
        evidence = mood.evidence
        probabilities = (evidence.probabilities / evidence.windows).astype(np.float32)
        return MoodChange(
            change="started" if change == "started" else "ended",
            mood=self.labels[mood.label],
            time=time,
            duration=(time if change == "ended" else mood.heard) - mood.began,
            confidence=float(probabilities[mood.label]),
            probabilities=probabilities,
            level=_mean(evidence.level),
            snr=_mean(evidence.snr),
        )


def _mean(total_and_count: list[float]) -> float | None:
    total, count = total_and_count
    return total / count if count else None
