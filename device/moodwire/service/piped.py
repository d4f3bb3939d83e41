"""A pipe instead of a microphone: `ffmpeg -i rtsp://... -f wav - | moodwire run --input -`.

A pipe has no clock. Samples say how long something lasted; when it was is known only from when
they came. So the pipeline's time counts samples, and what it tells is moved to when these came: a
writer that is faster than real time, or hands on what it had gathered, makes no event of the
future. A writer that pauses for long leaves a gap, as a microphone does.
"""

from __future__ import annotations

import math
import time

import numpy as np

from moodwire.audio.clock import CaptureClock
from moodwire.audio.errors import SourceError
from moodwire.audio.health import Heard, Patience
from moodwire.audio.pipe import PAUSE_SECONDS, Pipe, PipeSource
from moodwire.audio.source import MODEL_RATE, Chunk, Samples
from moodwire.audio.stream import Block, StreamEndedError

PATIENCE = Patience(first_audio=math.inf, lost=math.inf, silent_reopen=math.inf)
"""A pipe cannot be opened anew: whoever writes into it may take all the time it needs."""

FULL_SCALE = 0.9999


class PipedStream:
    """Reads what has come; ends when the pipe does. Closed, it leaves the pipe to the next one."""

    def __init__(self, pipe: Pipe, packet: int, channel: int, not_before: float) -> None:
        """`not_before`: how far an earlier one got, maybe ahead of time."""
        self._descriptor = pipe.descriptor
        self._source = PipeSource(pipe, channel=channel, block_seconds=packet / MODEL_RATE)
        self._not_before = not_before
        self._clock = CaptureClock(MODEL_RATE, PAUSE_SECONDS)
        self._start: float | None = None  # of the sample with number 0, had there been no gap

    def fileno(self) -> int:
        return self._descriptor

    def take(self) -> list[Block]:
        """Not more than came at once, since the loop has other things to do in between; and not
        less, since a loop that polls the descriptor would hear of the rest with the next write."""
        if self._source.finished:
            raise StreamEndedError(f"{self._source.name} ended")
        blocks: list[Block] = []
        try:
            while (chunk := self._source.read(0.0)) is not None:
                blocks.append(self._block(chunk, time.monotonic()))
                if not self._source.holds_more:
                    break
        except SourceError as error:
            raise StreamEndedError(str(error)) from None
        return blocks

    def _block(self, chunk: Chunk, now: float) -> Block:
        clock = self._clock
        after_gap = clock.arrived(now, chunk.position + len(chunk.samples))
        came = clock.time_of(chunk.position)
        if self._start is None:
            self._start = max(came, self._not_before) - chunk.position / MODEL_RATE
        begins = self._start + chunk.position / MODEL_RATE
        if after_gap:  # time must not run backwards, even if it was ahead by more than the gap
            self._start += max(0.0, came - begins)
            begins = max(begins, came)
        return Block(
            chunk.samples,
            begins,
            now,
            _heard(chunk.samples),
            after_gap=after_gap,
            ahead=begins - came,
        )

    def close(self) -> None:
        self._source.close()


def _heard(samples: Samples) -> Heard:
    clipped = np.count_nonzero(np.abs(samples) >= FULL_SCALE)
    return Heard(zeros_only=not samples.any(), clipped_share=clipped / max(1, len(samples)))
