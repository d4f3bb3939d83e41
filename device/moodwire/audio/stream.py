"""The capture process, seen from the side of who hears through it.

Nothing here waits: one polls `fileno`, as the daemon's loop does, and takes what has come.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from moodwire.audio.capture import FAILURE, HEADER, Opening
from moodwire.audio.clock import CaptureClock
from moodwire.audio.health import Heard
from moodwire.audio.resample import Resampler
from moodwire.audio.source import MODEL_RATE, Samples
from moodwire.audio.spawn import Capture

PIPE_BYTES: Final = 1 << 18
"""Eight seconds at 16 kHz: the bounded buffer between capture and pipeline. When it is full, the
driver's buffer overflows, and that is counted."""

READ_BYTES: Final = 1 << 16
FULL_SCALE: Final = 32_767
SCALE: Final = np.float32(1 / 32_768)
END_SECONDS: Final = 1.0


class StreamEndedError(Exception):
    """No more will come; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A piece of sound as it arrived."""

    samples: Samples
    """One channel at MODEL_RATE, in -1..1."""

    time: float
    """Monotonic seconds at the first of them."""

    complete: float
    """Monotonic seconds at which capture had the last of them."""

    heard: Heard
    lost: int = 0
    """Samples, at MODEL_RATE, that are missing in front of this block."""

    after_gap: bool = False
    """So much is missing that what was heard before is stale."""

    ahead: float | None = None
    """Seconds by which `time`, counted in samples, is later than the sound came; None where it is
    the time at which it was heard."""


class Stream(Protocol):
    """An opened source."""

    def fileno(self) -> int: ...

    def take(self) -> list[Block]:
        """What has come since; raises StreamEndedError once nothing will."""
        ...

    def close(self) -> None:
        """On return the source is closed for certain, or nobody could close it."""
        ...


class CaptureStream:
    """A capture process and the pipe from it."""

    def __init__(self, process: Capture, packet: int, channel: int) -> None:
        self._process = process
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        try:
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            pass  # the system's own size holds two seconds
        self._bytes = bytearray()
        self._decoder: Decoder | None = None
        self._channel = channel
        self._begin(packet)

    @property
    def opening(self) -> Opening | None:
        """What was opened; None if that has not been told yet."""
        return self._decoder.opening if self._decoder else None

    def fileno(self) -> int:
        return self._pipe

    def take(self) -> list[Block]:
        ended = self._fill()
        if self._decoder is None and not self._read_opening():
            if ended:
                raise StreamEndedError(
                    f"the capture process ended{self._status()} before it opened anything"
                )
            return []
        assert self._decoder is not None
        blocks = self._decoder.blocks(self._bytes)
        if ended and not blocks:
            raise StreamEndedError(f"the capture process ended{self._status()}")
        return blocks

    def close(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            pass  # stuck in the kernel's driver; it is gone as soon as that lets go

    def _begin(self, packet: int) -> None:
        """Let it hand on sound; until then nothing is read from the microphone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"%d" % packet + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # `take` will tell why

    def _fill(self) -> bool:
        """Read what is there; whether the pipe has ended."""
        while True:
            try:
                fresh = os.read(self._pipe, READ_BYTES)
            except BlockingIOError:
                return False
            if not fresh:
                return True
            self._bytes += fresh
            if len(fresh) < READ_BYTES:
                return False

    def _status(self) -> str:
        try:
            return f" with status {self._process.wait(0.1)}"
        except subprocess.TimeoutExpired:
            return ""  # it closed its output and lives on; `close` ends it

    def _read_opening(self) -> bool:
        line, found, _ = self._bytes.partition(b"\n")
        if not found:
            return False
        del self._bytes[: len(line) + 1]
        try:
            told = json.loads(bytes(line))
            if "error" in told:
                raise StreamEndedError(told["error"])
            self._decoder = Decoder(Opening(**told), self._channel)
        except (ValueError, TypeError):
            raise StreamEndedError(f"the capture process began with {bytes(line)!r}") from None
        return True


class Decoder:
    """Packets to blocks."""

    def __init__(self, opening: Opening, channel: int) -> None:
        self.opening = opening
        # a device of one channel was opened for that channel alone
        self._channel = channel if opening.channels > 1 else 0
        self._resampler = Resampler(opening.rate)
        self._clock = CaptureClock(opening.rate)
        self._position = 0  # of the next sample at the device's rate
        self._made = 0.0  # seconds of output since the last gap, counted from `_origin`
        self._origin = 0  # position at which the resampler began

    def blocks(self, data: bytearray) -> list[Block]:
        """Consumes whole packets."""
        found: list[Block] = []
        while len(data) >= HEADER.size:
            kind, lost, size, time = HEADER.unpack_from(data)
            if len(data) < HEADER.size + size:
                break
            payload = bytes(data[HEADER.size : HEADER.size + size])
            if kind == FAILURE:
                if found:
                    break  # next time
                raise StreamEndedError(payload.decode(errors="replace"))
            del data[: HEADER.size + size]
            found.append(self._block(np.frombuffer(payload, "<i2"), bool(lost), time))
        return found

    def _block(self, raw: NDArray[np.int16], overflowed: bool, complete: float) -> Block:
        frames = raw.reshape(-1, self.opening.channels)
        missing = 0
        if overflowed:
            late = complete - self._clock.time_of(self._position + len(frames))
            missing = max(1, round(late * MODEL_RATE))
        after_gap = self._clock.arrived(complete, self._position + len(frames), overflowed)
        if after_gap:
            self._resampler.reset()
            self._origin, self._made = self._position, 0.0
        wanted = self._wanted(frames)
        samples = self._resampler.push(_mono(wanted))
        time = self._clock.time_of(self._origin) + self._made
        self._position += len(frames)
        self._made += len(samples) / MODEL_RATE
        return Block(samples, time, complete, heard(wanted), missing, after_gap)

    def _wanted(self, frames: NDArray[np.int16]) -> NDArray[np.int16]:
        """What is listened to: a dead or overdriven channel beside it says nothing of it."""
        return frames[:, self._channel - 1 : self._channel] if self._channel else frames


def _mono(frames: NDArray[np.int16]) -> Samples:
    """Whole numbers hold neither NaN nor more than full scale: nothing is to be checked."""
    if frames.shape[1] == 1:
        return np.multiply(frames[:, 0], SCALE, dtype=np.float32)
    return np.asarray(frames.mean(axis=1, dtype=np.float32) * SCALE)


def heard(raw: NDArray[np.int16]) -> Heard:
    """What a block says of its device."""
    high, low = raw.max(), raw.min()
    if low > -FULL_SCALE and high < FULL_SCALE:
        return Heard(zeros_only=bool(low == high == 0), clipped_share=0.0)
    clipped = np.count_nonzero(raw >= FULL_SCALE) + np.count_nonzero(raw <= -FULL_SCALE)
    return Heard(zeros_only=False, clipped_share=clipped / raw.size)
