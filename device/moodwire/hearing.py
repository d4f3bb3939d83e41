"""Drives a pipeline from a source: what `listen`, `replay` and the tests have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator

from moodwire.audio.source import Chunk, Source, SourceError
from moodwire.decision.observation import Observation
from moodwire.pipeline import Pipeline

Heard = tuple[Chunk | None, list[Observation]]


def hear(pipeline: Pipeline, source: Source, timeout: float = 0.2) -> Iterator[Heard]:
    """Each chunk and what it told; no chunk and nothing where none came in time.

    Ends with the source, after what still holds has been ended, also where the end is an error.
    """
    end = 0.0
    while not source.finished:
        try:
            chunk = source.read(timeout)
        except SourceError:
            yield None, pipeline.reset(end)
            raise
        if chunk is None:
            yield None, []
            continue
        gap = pipeline.reset(chunk.time) if chunk.after_gap else []
        end = chunk.end
        yield chunk, gap + pipeline.push(chunk.samples, chunk.time)
    yield None, pipeline.reset(end)


class Pace:
    """Keeps a recording to the speed at which it was heard."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def wait_for(self, moment: float) -> None:
        """Seconds since the beginning of the recording."""
        time.sleep(max(0.0, self._start + moment - time.monotonic()))
