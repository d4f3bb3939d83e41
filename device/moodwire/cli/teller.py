"""Turns observations into the messages that MQTT would carry, and counts what there was."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from moodwire.audio.clock import Arrivals, CaptureClock
from moodwire.audio.pipe import PAUSE_SECONDS
from moodwire.audio.source import MODEL_RATE, Chunk, Source
from moodwire.config import Config
from moodwire.decision.observation import AlertRaised, MoodChange, Observation
from moodwire.events import SourceState
from moodwire.publish.clock import Clock, RecordingClock, Stamp, WallClock
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


def clock_for(recording: bool, start: datetime | None = None) -> Clock:
    """A recording counts from its beginning, which is now where nobody says otherwise."""
    if recording:
        return RecordingClock(start or datetime.now(UTC).replace(microsecond=0))
    return WallClock()


class PipeClock:
    """Of a pipe, whose time counts samples: what they tell was when they came. A writer that is
    faster than real time makes no event of the future."""

    def __init__(self, wall: WallClock) -> None:
        self._wall = wall
        self._capture = CaptureClock(MODEL_RATE, PAUSE_SECONDS)
        self._arrivals = Arrivals()

    def came_after_pause(self, chunk: Chunk) -> bool:
        """Takes note of when it came, which is now."""
        ends = chunk.position + len(chunk.samples)
        after_pause = self._capture.arrived(self._wall.monotonic(), ends)
        ahead = chunk.time - self._capture.time_of(chunk.position)
        self._arrivals.note(chunk.time, chunk.end, ahead)
        return after_pause

    def monotonic(self) -> float:
        return self._wall.monotonic()

    def wall(self, moment: float) -> float:
        return self._wall.wall(self._came(moment))

    def stamp(self, moment: float) -> Stamp:
        return self._wall.stamp(self._came(moment))

    def _came(self, moment: float) -> float:
        """Now, where an end is told of what never began."""
        return self._arrivals.of(moment) if self._arrivals else self._wall.monotonic()


class PacedPipe:
    """A pipe as the daemon hears it: after a long pause, hearing begins anew."""

    live = False

    def __init__(self, source: Source, clock: PipeClock) -> None:
        self.name = source.name
        self._source = source
        self._clock = clock

    @property
    def finished(self) -> bool:
        return self._source.finished

    def read(self, timeout: float) -> Chunk | None:
        chunk = self._source.read(timeout)
        if chunk is None:
            return None
        return replace(chunk, after_gap=self._clock.came_after_pause(chunk))

    def close(self) -> None:
        self._source.close()
