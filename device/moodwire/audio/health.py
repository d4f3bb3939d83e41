"""Is the source alive? A pure state machine: it is told what happened and when, and decides.

It owns no clock, no device and no thread. Whoever drives it reports opened, heard, ended, muted,
and calls `tick` when `deadline` is reached; the answer is what to do with the device, or None.

What it knows about microphones, each learnt from a real failure:
- an open stream may simply stop calling back (suspended source, hung server): only the age of the
  last block tells;
- a failing device may go on delivering exact zeros, but some devices do so all day: only zeros
  that follow real audio are a fault;
- reopening is not free (some USB drivers die after a few cycles): it backs off, with jitter, and
  a silent device is reopened a few times only.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from moodwire.backoff import Backoff
from moodwire.events import SourceState


class Action(Enum):
    """What to do with the device."""

    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait before believing something, in seconds."""

    first_audio: float = 8.0
    """After opening, until the first block; PulseAudio may take two seconds."""

    stalled: float = 2.0
    """Without a block, until the source counts as stalled."""

    lost: float = 8.0
    """Without a block, until the stream is given up and the device opened anew."""

    silent: float = 5.0
    """Of exact zeros after real audio, until the source counts as silent."""

    silent_reopen: float = 30.0
    """Of exact zeros after real audio, until the device is opened anew."""

    clipped: float = 2.0
    """Of clipping blocks, until the source counts as clipped; and of clean ones, until not."""

    settled: float = 60.0
    """Of blocks, until an opened device counts as recovered and the back-off starts afresh."""

    shortest_back_off: float = 0.5
    longest_back_off: float = 30.0


SILENT_REOPENINGS = 3
"""Per stretch of silence: a hardware mute switch sounds just like a fault."""

CLIPPED_SHARE = 0.01
"""Of a block's samples at full scale: speech that is merely loud stays far below."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one block of samples says about the device."""

    zeros_only: bool
    clipped_share: float


class SourceHealth:
    """The source state machine; see the module."""

    def __init__(
        self, patience: Patience | None = None, jitter: Callable[[], float] = random.random
    ) -> None:
        self.patience = patience or Patience()
        self.state: SourceState = "starting"
        self._open = False
        self._armed = False  # real audio was heard: zeros mean something now
        self._back_off = Backoff(
            self.patience.shortest_back_off, self.patience.longest_back_off, jitter
        )
        self._silent_reopenings = 0
        self._retry_at: float | None = None
        self._opened_at = 0.0
        self._heard_at: float | None = None  # since opening
        self._zeros_since: float | None = None
        self._clipping_since: float | None = None
        self._clean_since: float | None = None

    @property
    def deadline(self) -> float | None:
        """When `tick` has to be called at the latest; None: nothing will change by waiting."""
        if self.state == "muted":
            return None
        if not self._open:
            return self._retry_at
        patience = self.patience
        if self._heard_at is None:
            return self._opened_at + patience.first_audio
        wait = patience.lost if self.state == "stalled" else patience.stalled
        return self._heard_at + wait

    @property
    def zeros_for(self) -> float:
        """Seconds for which nothing but exact zeros has come, be they a fault or not."""
        if self._zeros_since is None or self._heard_at is None:
            return 0.0
        return self._heard_at - self._zeros_since

    def start(self, now: float) -> Action:
        """Ask for the first opening."""
        self._retry_at = now
        action = self.tick(now)
        assert action is not None
        return action

    def heard(self, now: float, block: Heard) -> Action | None:
        """A block of samples arrived."""
        if not self._open:
            return None  # a last block of a stream that was given up
        if self._heard_at is None:
            self._opened_at = now  # settled counts from the first block
        self._heard_at = now
        if now - self._opened_at >= self.patience.settled:
            self._back_off.forget()
        if block.zeros_only:
            return self._heard_zeros(now)
        self._armed = True
        self._zeros_since = None
        self._silent_reopenings = 0
        self.state = "clipped" if self._is_clipped(now, block.clipped_share) else "live"
        return None

    def ended(self, now: float) -> None:
        """The stream could not be opened, or ended by itself."""
        if self._open:
            self._give_up(now)

    def mute(self) -> Action | None:
        was_open = self._open
        self._forget_stream()
        self._retry_at = None
        self._back_off.forget()
        self.state = "muted"
        return Action.CLOSE if was_open else None

    def unmute(self, now: float) -> Action | None:
        if self.state != "muted":
            return None
        self.state = "starting"
        self._armed = False
        self._silent_reopenings = 0
        return self.start(now)

    def tick(self, now: float) -> Action | None:
        """Time went by."""
        if self.state == "muted":
            return None
        if not self._open:
            return self._open_when_due(now)
        patience = self.patience
        if self._heard_at is None:
            if now < self._opened_at + patience.first_audio:
                return None
        else:  # sums as in `deadline`, so that rounding cannot hold a due tick back
            if now < self._heard_at + patience.stalled:
                return None
            if now < self._heard_at + patience.lost:
                self.state = "stalled"
                return None
        self._give_up(now)
        return Action.CLOSE

    def _open_when_due(self, now: float) -> Action | None:
        if self._retry_at is None or now < self._retry_at:
            return None
        self._forget_stream()
        self._retry_at = None
        self._open = True
        self._opened_at = now
        return Action.OPEN

    def _heard_zeros(self, now: float) -> Action | None:
        patience = self.patience
        if self._zeros_since is None:
            self._zeros_since = now
        if not self._armed:
            self.state = "starting"
            return None
        zeros_for = now - self._zeros_since
        believed = zeros_for >= patience.silent or self.state in ("lost", "silent")
        self.state = "silent" if believed else "live"
        allowed = patience.silent_reopen * 2**self._silent_reopenings
        if zeros_for >= allowed and self._silent_reopenings < SILENT_REOPENINGS:
            self._silent_reopenings += 1
            self._forget_stream()
            self._retry_at = now + patience.shortest_back_off
            return Action.CLOSE
        return None

    def _is_clipped(self, now: float, share: float) -> bool:
        if share >= CLIPPED_SHARE:
            self._clean_since = None
            if self._clipping_since is None:
                self._clipping_since = now
        else:
            if self._clean_since is None:
                self._clean_since = now
            if now - self._clean_since >= self.patience.clipped:
                self._clipping_since = None
        since = self._clipping_since
        if since is None:
            return False
        lasts = share >= CLIPPED_SHARE  # one slammed door is over when it is over
        return self.state == "clipped" or (lasts and now - since >= self.patience.clipped)

    def _give_up(self, now: float) -> None:
        self._forget_stream()
        self.state = "lost"
        self._retry_at = now + self._back_off.wait()

    def _forget_stream(self) -> None:
        self._open = False
        self._heard_at = None
        self._zeros_since = None
        self._clipping_since = None
        self._clean_since = None
