"""Sound from a pipe: a WAV stream or raw PCM, such as `arecord -t raw` writes."""

from __future__ import annotations

import os
import select
import stat
import struct
import time
from fcntl import ioctl
from termios import FIONREAD

import numpy as np
from numpy.typing import NDArray

from moodwire.audio.resample import Resampler, resampler_for
from moodwire.audio.source import (
    BLOCK_SECONDS,
    MODEL_RATE,
    Chunk,
    Samples,
    SourceError,
    check_channel,
    to_mono,
)
from moodwire.audio.wav import RawFormat, decode, parse_header

FOREIGN = {b"fLaC": "FLAC", b"OggS": "Ogg", b"ID3\x03": "MP3", b"ID3\x04": "MP3", b"FORM": "AIFF"}
"""First bytes of formats that would be noise if they were taken for raw samples."""

PAUSE_SECONDS = 5.0
"""More than a pipe holds: what comes after so long was not heard right after what came before."""

HEADER_SECONDS = 10.0
"""From the first bytes of a WAV header to its last: it is written in one go."""


class Pipe:
    """A descriptor that says once what it carries, and then gives whole frames of that.

    It outlives the sources that read it, one after the other. The descriptor belongs to whoever
    opened it.
    """

    def __init__(
        self,
        descriptor: int = 0,
        *,
        raw: RawFormat | None = None,
        name: str = "pipe",
        advice: str = "Name the file instead of piping it",
    ) -> None:
        """`raw` holds for a stream that doesn't begin with a WAV header; `advice` says what to do
        with one in another format."""
        self.descriptor = descriptor
        self.name = name
        self._advice = advice
        self._raw = raw or RawFormat()
        self._bytes = bytearray()
        self._format: RawFormat | None = None
        self._header_until: float | None = None  # when a header that has begun must be whole
        self._left: int | None = None  # bytes of sound that the WAV header still promises
        self._ended = False

    @property
    def exhausted(self) -> bool:
        """No frame will come any more."""
        return self._ended and not self.holds(1)

    def holds(self, frames: int) -> bool:
        """Whether so many were read from the descriptor already."""
        return self._format is not None and len(self._bytes) >= frames * self._format.frame_bytes

    def format(self, deadline: float) -> RawFormat | None:
        """What the stream is; None if too little of it has come yet."""
        if self._format is None and self._fill(4, deadline):
            self._format = self._read_format(deadline)
        return self._format

    def read(self, frames: int, deadline: float) -> NDArray[np.float32] | None:
        """(frames, channels), fewer only at the end; None if the deadline passed."""
        form = self.format(deadline)
        if form is None or not self._fill(frames * form.frame_bytes, deadline):
            return None
        size = min(frames, len(self._bytes) // form.frame_bytes) * form.frame_bytes
        found = decode(bytes(self._bytes[:size]), form)
        del self._bytes[:size]
        return found

    def skip_waiting(self) -> None:
        """Forget what came while nobody was to hear it. A file on disk was not said just now."""
        now = time.monotonic()
        try:
            form = self.format(now)
        except SourceError:
            return  # for who reads next, who is told the same
        if form is None or stat.S_ISREG(os.fstat(self.descriptor).st_mode):
            return
        (unread,) = struct.unpack("i", ioctl(self.descriptor, FIONREAD, bytes(4)))
        waiting = len(self._bytes) + unread
        waiting -= waiting % form.frame_bytes
        while waiting and self._fill(1, now) and self._bytes:
            gone = min(waiting, len(self._bytes))
            del self._bytes[:gone]
            waiting -= gone

    def _read_format(self, deadline: float) -> RawFormat | None:
        magic = bytes(self._bytes[:4])
        if not magic:
            raise SourceError(f"{self.name}: nothing came; pipe a WAV stream or raw samples")
        if magic in FOREIGN:
            raise SourceError(
                f"{self.name}: this is {FOREIGN[magic]}; a pipe carries WAV or raw PCM. "
                f"{self._advice}"
            )
        return self._read_header(deadline) if magic == b"RIFF" else self._raw

    def _read_header(self, deadline: float) -> RawFormat | None:
        """None if the deadline passed; what has come waits for the next time."""
        if self._header_until is None:
            self._header_until = time.monotonic() + HEADER_SECONDS
        while (header := parse_header(self._bytes, self.name)) is None:
            if self._ended:
                raise SourceError(f"{self.name}: the WAV stream ended inside its header")
            if not self._fill(len(self._bytes) + 1, min(deadline, self._header_until)):
                if time.monotonic() < self._header_until:
                    return None
                raise SourceError(
                    f"{self.name}: the WAV header was not whole within {HEADER_SECONDS:g} s"
                )
        del self._bytes[: header.size]
        self._left = header.sound_bytes
        if self._left is not None:
            del self._bytes[self._left :]  # other chunks may follow the sound
            self._left -= len(self._bytes)
        return header.form

    def _fill(self, wanted: int, deadline: float) -> bool:
        """Have that many bytes, or all that will come; False if the deadline passed."""
        while len(self._bytes) < wanted and not self._ended:
            most = 1 << 16 if self._left is None else min(1 << 16, self._left)
            left = max(0.0, deadline - time.monotonic())
            if most and not select.select([self.descriptor], [], [], left)[0]:
                return False
            fresh = os.read(self.descriptor, most) if most else b""
            if self._left is not None:
                self._left -= len(fresh)
            self._ended = not fresh
            self._bytes += fresh
        return True


class PipeSource:
    """Hears a pipe from where it stands. It is not live: whoever writes waits until we have read.

    Time counts from the opening, by samples: a pipe says nothing about when they were heard.
    """

    live = False

    def __init__(
        self, pipe: Pipe, *, channel: int = 0, block_seconds: float = BLOCK_SECONDS
    ) -> None:
        self.name = pipe.name
        self._pipe = pipe
        self._channel = channel
        self._block_seconds = block_seconds
        self._block = 0  # frames
        self._resampler: Resampler | None = None
        self._position = 0
        self._finished = False

    @property
    def finished(self) -> bool:
        return self._finished

    @property
    def holds_more(self) -> bool:
        """`read` has another chunk at once, of which the descriptor knows nothing any more."""
        return self._resampler is not None and self._pipe.holds(self._block)

    def read(self, timeout: float) -> Chunk | None:
        deadline = time.monotonic() + timeout
        while not self._finished:
            resampler = self._resampler or self._begin(deadline)
            if resampler is None:
                return None
            frames = self._pipe.read(self._block, deadline)
            if frames is None:
                return None
            samples = resampler.push(to_mono(frames, self._channel))
            if self._pipe.exhausted:
                samples = np.concatenate((samples, resampler.flush()))
                self._finished = True
            if len(samples):
                return self._chunk(samples)
        return None

    def close(self) -> None:
        """Stops reading; what the pipe holds is left to who hears it next."""
        self._finished = True

    def _begin(self, deadline: float) -> Resampler | None:
        """None if the pipe has not yet told what it carries."""
        try:
            form = self._pipe.format(deadline)
            if form is None:
                return None
            check_channel(self._channel, form.channels, self.name)
            self._block = max(1, round(self._block_seconds * form.rate))
            self._resampler = resampler_for(self.name, form.rate)
        except SourceError:
            self._finished = True
            raise
        return self._resampler

    def _chunk(self, samples: Samples) -> Chunk:
        position = self._position
        self._position += len(samples)
        return Chunk(samples, position, position / MODEL_RATE)
