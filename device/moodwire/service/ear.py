"""The source, kept alive: does what the source state machine decides."""

from __future__ import annotations

import logging
from collections.abc import Callable

from moodwire.audio.health import Action, SourceHealth
from moodwire.audio.stream import Block, Stream, StreamEndedError
from moodwire.events import SourceState

log = logging.getLogger(__name__)


class Ear:
    """Opens, reads and closes the source; belongs to the daemon's loop."""

    def __init__(self, open_stream: Callable[[], Stream], health: SourceHealth) -> None:
        self._open_stream = open_stream
        self._health = health
        self._stream: Stream | None = None
        self.blocks = 0
        self.samples = 0
        self.lost = 0
        """Samples that were missing between blocks."""

        self.heard_at: float | None = None
        """When the last block came."""

        self.trouble = ""
        """Why the source last ended."""

    @property
    def state(self) -> SourceState:
        return self._health.state

    @property
    def deadline(self) -> float | None:
        return self._health.deadline

    @property
    def stream(self) -> Stream | None:
        """To poll; None while the source is closed."""
        return self._stream

    def start(self, now: float) -> None:
        self._do(self._health.start(now), now)

    def mute(self) -> None:
        """On return the device is closed."""
        self._health.mute()
        self.close()

    def unmute(self, now: float) -> None:
        self._do(self._health.unmute(now), now)

    def take(self, now: float) -> list[Block]:
        """What has come; an ended source is noted, and opened anew when it is time to."""
        if self._stream is None:
            return []
        try:
            blocks = self._stream.take()
        except StreamEndedError as error:
            self._lost(str(error), now)
            return []
        for block in blocks:
            self.blocks += 1
            self.samples += len(block.samples)
            self.lost += block.lost
            self.heard_at = now
            self._do(self._health.heard(now, block.heard), now)
        return blocks

    def tick(self, now: float) -> None:
        self._do(self._health.tick(now), now)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _do(self, action: Action | None, now: float) -> None:
        if action is Action.CLOSE:
            self.trouble = "nothing came for too long"
            self.close()
        elif action is Action.OPEN:
            try:
                self._stream = self._open_stream()
            except OSError as error:  # no process, no memory, no descriptor
                self._lost(f"the capture process cannot be started: {error}", now)

    def _lost(self, why: str, now: float) -> None:
        self.trouble = why
        self.close()
        self._health.ended(now)
