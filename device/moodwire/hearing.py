"""Drives a pipeline from a source: what `listen`, `replay` and `web` have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from moodwire.audio.capture_source import state_of
from moodwire.audio.clock import Arrivals, CaptureClock
from moodwire.audio.pipe import PAUSE_SECONDS, PipeSource
from moodwire.audio.source import MODEL_RATE, Chunk, Source, SourceError
from moodwire.decision.observation import Observation
from moodwire.events import HEARING, SourceState
from moodwire.pipeline import Pipeline
from moodwire.publish.clock import Clock, RecordingClock, Stamp, WallClock

PATIENCE_SECONDS = 0.2
"""Whoever hears has other things to do where nothing comes."""


class Step(NamedTuple):
    """What came, what it told, and what the daemon would say of the source by then."""

    chunk: Chunk | None
    told: list[Observation]
    state: SourceState


def hear(pipeline: Pipeline, source: Source) -> Iterator[Step]:
    """Each chunk and what it told; no chunk and nothing where none came in time.

    What holds is ended where the source gives nothing to judge any more, as in the daemon, and
    where it ends, be it with an error.
    """
    end, before = 0.0, state_of(source)
    while not source.finished:
        try:
            chunk = source.read(PATIENCE_SECONDS)
        except SourceError:
            yield Step(None, pipeline.reset(end), before)
            raise
        told, state = [], state_of(source)
        if chunk is not None:
            end = chunk.end
            told += pipeline.reset(chunk.time) if chunk.after_gap else []
            told += pipeline.push(chunk.samples, chunk.time)
        told += pipeline.reset(end) if before in HEARING and state not in HEARING else []
        before = state
        yield Step(chunk, told, state)
    yield Step(None, pipeline.reset(end), before)


class Pace:
    """Keeps a recording to the speed at which it was heard."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def wait_for(self, moment: float) -> None:
        """Seconds since the beginning of the recording."""
        time.sleep(max(0.0, self._start + moment - time.monotonic()))


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


def dated(source: Source) -> tuple[Source, Clock]:
    """And what says when its sound was."""
    if isinstance(source, PipeSource):
        clock = PipeClock(WallClock())
        return PacedPipe(source, clock), clock
    return source, clock_for(recording=not source.live)
