"""Sound from a pipe: a WAV stream or raw PCM, such as `arecord -t raw` writes."""

from __future__ import annotations

import os
import select
import time

import numpy as np

from moodwire.audio.resample import Resampler
from moodwire.audio.source import (
    BLOCK_SECONDS,
    MODEL_RATE,
    Chunk,
    SourceError,
    check_channel,
    to_mono,
)
from moodwire.audio.wav import RawFormat, decode, read_header

FOREIGN = {b"fLaC": "FLAC", b"OggS": "Ogg", b"ID3\x03": "MP3", b"ID3\x04": "MP3", b"FORM": "AIFF"}
"""First bytes of formats that would be noise if they were taken for raw samples."""


class PipeSource:
    """Reads a file descriptor. It is not live: whoever writes waits until we have read.

    Time counts from the opening, by samples: a pipe says nothing about when they were heard.
    """

    live = False

    def __init__(
        self,
        descriptor: int = 0,
        *,
        raw: RawFormat | None = None,
        channel: int = 0,
        name: str = "pipe",
        block_seconds: float = BLOCK_SECONDS,
    ) -> None:
        """`raw` holds for a stream that doesn't begin with a WAV header."""
        self.name = name
        self._descriptor = descriptor
        self._raw = raw or RawFormat()
        self._channel = channel
        self._block_seconds = block_seconds
        self._bytes = bytearray()
        self._format: RawFormat | None = None
        self._left: int | None = None  # bytes of sound that the WAV header still promises
        self._opened = time.monotonic()
        self._position = 0
        self._ended = self._finished = False

    @property
    def finished(self) -> bool:
        return self._finished

    def read(self, timeout: float) -> Chunk | None:
        deadline = time.monotonic() + timeout
        while not self._finished:
            if self._format is None and not self._begin(deadline):
                return None
            assert self._format is not None
            frame = self._format.frame_bytes
            wanted = frame * max(1, round(self._block_seconds * self._format.rate))
            if not self._fill(wanted, deadline):
                return None
            whole = min(len(self._bytes), wanted) // frame * frame
            samples = self._resampler.push(
                to_mono(decode(bytes(self._bytes[:whole]), self._format), self._channel)
            )
            del self._bytes[:whole]
            if self._ended and len(self._bytes) < frame:
                samples = np.concatenate((samples, self._resampler.flush()))
                self._finished = True
            if len(samples):
                return self._chunk(samples)
        return None

    def close(self) -> None:
        """Stops reading; the descriptor belongs to whoever opened it."""
        self._finished = True

    def _begin(self, deadline: float) -> bool:
        """Find out what the stream is; False if too little of it has come yet."""
        if not self._fill(4, deadline):
            return False
        magic = bytes(self._bytes[:4])
        if not magic:
            self._finished = True
            raise SourceError(f"{self.name}: nothing came; pipe a WAV stream or raw samples")
        if magic in FOREIGN:
            self._finished = True
            raise SourceError(
                f"{self.name}: this is {FOREIGN[magic]}; a pipe carries WAV or raw PCM. "
                "Name the file instead of piping it"
            )
        if magic == b"RIFF":
            del self._bytes[:4]
            form, self._left = read_header(self._exactly, self.name)
            if self._left is not None:
                del self._bytes[self._left :]  # other chunks may follow the sound
                self._left -= len(self._bytes)
        else:
            form = self._raw
        try:
            check_channel(self._channel, form.channels, self.name)
            self._resampler = Resampler(form.rate)
        except SourceError as error:
            self._finished = True
            raise SourceError(f"{self.name}: {error}") from error
        self._format = form
        return True

    def _exactly(self, count: int) -> bytes:
        """That many bytes of the header, fewer only if the stream ended or stalled for long."""
        self._fill(count, time.monotonic() + 10.0)
        got = bytes(self._bytes[:count])
        del self._bytes[:count]
        return got

    def _fill(self, wanted: int, deadline: float) -> bool:
        """Have that many bytes, or all that will come; False if the deadline passed."""
        while len(self._bytes) < wanted and not self._ended:
            most = 1 << 16 if self._left is None else min(1 << 16, self._left)
            left = max(0.0, deadline - time.monotonic())
            if most and not select.select([self._descriptor], [], [], left)[0]:
                return False
            fresh = os.read(self._descriptor, most) if most else b""
            if self._left is not None:
                self._left -= len(fresh)
            self._ended = not fresh
            self._bytes += fresh
        return True

    def _chunk(self, samples: np.ndarray[tuple[int], np.dtype[np.float32]]) -> Chunk:
        position = self._position
        self._position += len(samples)
        return Chunk(samples, self.name, position, self._opened + position / MODEL_RATE)
