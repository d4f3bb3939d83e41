"""A pipe instead of a microphone: `ffmpeg -i rtsp://... -f wav - | moodwire run --input -`."""

from __future__ import annotations

import math
import time

import numpy as np

from moodwire.audio.capture import Sizes
from moodwire.audio.errors import SourceError
from moodwire.audio.health import Heard, Patience
from moodwire.audio.pipe import PipeSource
from moodwire.audio.source import MODEL_RATE, Samples
from moodwire.service.stream import Block, StreamEndedError

PATIENCE = Patience(first_audio=math.inf, lost=math.inf, silent_reopen=math.inf)
"""A pipe cannot be opened anew: whoever writes into it may take all the time it needs."""

FULL_SCALE = 0.9999


class PipedStream:
    """Reads what has come; ends when the pipe does."""

    def __init__(self, descriptor: int, sizes: Sizes, channel: int, name: str) -> None:
        self._descriptor = descriptor
        self._source = PipeSource(
            descriptor, channel=channel, name=name, block_seconds=sizes.block / MODEL_RATE
        )

    def fileno(self) -> int:
        return self._descriptor

    def take(self) -> list[Block]:
        """One block at a time, since the loop has other things to do in between."""
        if self._source.finished:
            raise StreamEndedError(f"{self._source.name} ended")
        try:
            chunk = self._source.read(0.0)
        except SourceError as error:
            raise StreamEndedError(str(error)) from None
        if chunk is None:
            return []
        return [Block(chunk.samples, chunk.time, time.monotonic(), _heard(chunk.samples))]

    def close(self) -> None:
        self._source.close()


def _heard(samples: Samples) -> Heard:
    clipped = np.count_nonzero(np.abs(samples) >= FULL_SCALE)
    return Heard(zeros_only=not samples.any(), clipped_share=clipped / max(1, len(samples)))
