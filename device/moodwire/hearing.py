"""Drives a pipeline from a source: what `listen`, `replay` and `web` have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from moodwire.audio.capture_source import state_of
from moodwire.audio.source import Chunk, Source, SourceError
from moodwire.decision.observation import Observation
from moodwire.events import HEARING, SourceState
from moodwire.pipeline import Pipeline

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
