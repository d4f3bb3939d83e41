"""The microphone as a Source, for commands: heard through the capture process, as the daemon does.

So what `meter` and `doctor` judge is what the service hears, and `listen` and `web` believe a
microphone when the service does.
"""

from __future__ import annotations

import math
import select
from collections import deque
from time import monotonic

from moodwire.audio.capture import Opening
from moodwire.audio.health import Patience, SourceHealth
from moodwire.audio.source import BLOCK_SECONDS, MODEL_RATE, Chunk, Source, SourceError
from moodwire.audio.spawn import spawn_capture
from moodwire.audio.stream import Block, CaptureStream, StreamEndedError
from moodwire.events import SourceState

PATIENCE_SECONDS = 10.0
"""How long the capture process may take to open a device."""

OPENED_ONCE = Patience(first_audio=math.inf, lost=math.inf, silent_reopen=math.inf)
"""A command hears what it opened; the daemon would look whether another opening helps."""


class CaptureSource:
    """Capture begins with the object. `read` from one thread."""

    live = True

    def __init__(
        self, device: str = "", *, channel: int = 0, patience: float = PATIENCE_SECONDS
    ) -> None:
        """`device`: name, part of it or identifier; empty: the default one."""
        self.finished = False
        self._blocks: deque[Block] = deque()
        self._position = 0
        process = spawn_capture(device, channel)
        self._stream = CaptureStream(process, round(BLOCK_SECONDS * MODEL_RATE), channel)
        try:
            opening = self._wait_for_opening(device or "the default microphone", patience)
        except BaseException:
            self.close()
            raise
        self.name, self.native_rate = opening.name, opening.rate
        self._health = SourceHealth(OPENED_ONCE)
        self._health.start(monotonic())

    @property
    def state(self) -> SourceState:
        """What the daemon would say of the microphone, of what was read so far."""
        return self._health.state

    @property
    def is_silent(self) -> bool:
        """Whether nothing but exact zeros comes, from the beginning or not."""
        return self._health.zeros_for >= self._health.patience.silent

    def read(self, timeout: float) -> Chunk | None:
        """Raises SourceError once when the device has gone away."""
        deadline = monotonic() + timeout
        while not self._blocks:
            try:
                if self.finished or not self._heard_by(deadline):
                    self._health.tick(monotonic())
                    return None
            except StreamEndedError as error:
                self.finished = True
                raise SourceError(f"{self.name}: the microphone went away: {error}") from None
        block = self._blocks.popleft()
        self._health.heard(block.complete, block.heard)
        position = self._position + block.lost
        self._position = position + len(block.samples)
        return Chunk(block.samples, position, block.time, block.after_gap)

    def close(self) -> None:
        self.finished = True
        self._blocks.clear()
        self._stream.close()

    def _wait_for_opening(self, what: str, patience: float) -> Opening:
        """PortAudio may hang for ever when the audio server does."""
        deadline = monotonic() + patience
        while self._stream.opening is None:
            try:
                if not self._heard_by(deadline):
                    raise SourceError(
                        f"opening {what} did not end within {patience:g} s; the audio server hangs"
                    )
            except StreamEndedError as error:
                raise SourceError(str(error)) from None
        return self._stream.opening

    def _heard_by(self, deadline: float) -> bool:
        """Take what comes; False if nothing did in time."""
        left = max(0.0, deadline - monotonic())
        if not select.select([self._stream.fileno()], [], [], left)[0]:
            return False
        self._blocks += self._stream.take()
        return True


def state_of(source: Source) -> SourceState:
    """What the daemon would say of it. A recording may be as silent as it likes."""
    return source.state if isinstance(source, CaptureSource) else "live"
