"""The microphone, through PortAudio: a callback that only copies, and a reader that resamples.

PortAudio can hang for ever in opening and in closing when the audio server does, and a stream may
stay `active` though nothing comes. Nothing here decides about that; it is only told: nothing to
read, a gap in front of what was read, and whether closing came to an end.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from moodwire.audio.clock import CaptureClock
from moodwire.audio.devices import (
    channels_to_open,
    find,
    input_devices,
    portaudio,
    rate_to_open,
)
from moodwire.audio.resample import Resampler
from moodwire.audio.ring import Ring
from moodwire.audio.source import (
    BLOCK_SECONDS,
    MODEL_RATE,
    Chunk,
    SourceError,
    check_channel,
    to_mono,
)

Result = TypeVar("Result")

RING_SECONDS = 8.0
CALLBACK_SECONDS = 0.05

PATIENCE_SECONDS = 10.0
"""How long PortAudio may take to open or close a device."""


class MicrophoneSource:
    """Capture begins with the object. `read` from one thread."""

    live = True

    def __init__(
        self,
        device: str = "",
        *,
        channel: int = 0,
        rate: int | None = None,
        ring_seconds: float = RING_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """`device`: name, part of it or identifier; `rate`: instead of the device's own."""
        self._ended = self._closed = False
        self._patience = patience
        self._channel = channel
        self.device = within(patience, lambda: find(input_devices(), device), "finding devices")
        self.name = self.device.name
        check_channel(channel, self.device.channels, self.name)
        channels = channels_to_open(self.device, channel)
        self.native_rate = rate or within(
            patience, lambda: rate_to_open(self.device, channels, "float32"), "asking rates"
        )
        self._resampler = Resampler(self.native_rate)
        self._ring = Ring(round(ring_seconds * self.native_rate), channels)
        self._clock = CaptureClock(self.native_rate)
        self._block = round(BLOCK_SECONDS * self.native_rate)
        self._position = self._gaps_seen = 0
        self._stream: Any = within(patience, lambda: self._open(channels), f"opening {self.name}")

    @property
    def finished(self) -> bool:
        return self._closed or (self._ended and self._ring.waiting == 0)

    def read(self, timeout: float) -> Chunk | None:
        deadline = time.monotonic() + timeout
        while not self.finished:
            missing = self._block - self._ring.waiting
            if missing <= 0 or self._ended:
                chunk = self._take()
                if len(chunk.samples):
                    return chunk
                continue
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            # no lock is shared with the callback: it is known when enough should have come
            time.sleep(min(left, max(0.002, missing / self.native_rate)))
        return None

    def close(self) -> bool:
        """Let go of the device; False if PortAudio hangs. Then only a new process helps."""
        if self._closed:
            return True
        self._closed = True
        try:
            within(self._patience, self._release, f"closing {self.name}")
        except SourceError:
            # PortAudio's own tidying up would hang as well, and with it the end of the process
            atexit.unregister(portaudio()._exit_handler)
            return False
        return True

    def _release(self) -> None:
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)

    def _open(self, channels: int) -> Any:
        sounddevice = portaudio()
        try:
            stream = sounddevice.InputStream(
                device=self.device.index,
                samplerate=self.native_rate,
                channels=channels,
                dtype="float32",
                blocksize=round(CALLBACK_SECONDS * self.native_rate),
                latency="high",
                callback=self._heard,
                finished_callback=self._end,
            )
            stream.start()
        except sounddevice.PortAudioError as error:
            raise SourceError(
                f"microphone {self.name!r} cannot be opened at {self.native_rate} Hz with "
                f"{channels} channels: {error}. Is it in use? See: moodwire devices"
            ) from error
        return stream

    def _heard(self, block: NDArray[np.float32], _frames: int, _time: Any, _status: Any) -> None:
        """PortAudio's thread: copy, note the time, return."""
        now = time.monotonic()
        self._ring.write(block)
        self._clock.arrived(now, self._ring.written)

    def _end(self) -> None:
        """PortAudio's thread: the stream is over, because it was closed or the device is gone."""
        self._ended = True

    def _take(self) -> Chunk:
        taken = self._ring.read(self._block)
        gap = taken.lost > 0 or self._clock.gaps != self._gaps_seen
        if gap:
            self._gaps_seen = self._clock.gaps
            self._resampler.reset()
            self._position = round(taken.position * MODEL_RATE / self.native_rate)
        samples = self._resampler.push(to_mono(taken.block, self._channel))
        position = self._position
        self._position += len(samples)
        heard = self._clock.time_of(round(position * self.native_rate / MODEL_RATE))
        return Chunk(samples, self.name, position, heard, after_gap=gap)


def within(seconds: float, action: Callable[[], Result], what: str) -> Result:
    """Run something that may hang for ever; then its thread is left behind."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(action())
        except BaseException as error:  # handed over to the caller below
            errors.append(error)

    thread = threading.Thread(target=run, name=what, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise SourceError(f"{what} did not end within {seconds:g} s; the audio server hangs")
    return results[0]
