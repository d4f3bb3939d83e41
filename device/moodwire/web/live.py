"""What the page shows of the present, handed from the audio thread to any number of viewers.

The audio thread replaces one immutable snapshot and is never made to wait; a viewer that is slow
misses snapshots, not the newest one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Literal

import msgspec

from moodwire.decision.observation import Observation, by_label
from moodwire.events import SourceState

TIMELINE_SECONDS = 600
KEEP_ALIVE_SECONDS = 10.0

PACE_SECONDS = 0.4
"""Between two things that a viewer is told; a hop takes less, and no eye needs every one."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One second of the timeline."""

    time: float
    mood: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The present. `mood` and `speech` None: nothing is heard at all (see `source`)."""

    time: float = 0.0
    source: SourceState | Literal["off"] = "starting"
    source_name: str = ""
    mood: str | None = None
    confidence: float | None = None
    probabilities: dict[str, float] | None = None
    speech: bool | None = None
    level: float | None = None
    since: float | None = None


def heard(before: Snapshot, seen: Observation, labels: tuple[str, ...], utc: float) -> Snapshot:
    """What one hop told; `utc` is the time of its last sample."""
    shares = seen.smoothed if seen.smoothed is not None else seen.window.probabilities
    return replace(
        before,
        time=utc,
        source="live",
        mood=seen.mood,
        confidence=seen.confidence,
        probabilities=by_label(labels, shares, 3),
        speech=seen.window.speech,
        level=seen.window.level,
        since=utc - (seen.window.time - seen.since),
    )


def unheard(before: Snapshot, source: SourceState | Literal["off"], utc: float) -> Snapshot:
    """Nothing comes in: whatever was shown is no longer true."""
    return Snapshot(time=utc, source=source, source_name=before.source_name)


@dataclass
class LiveFeed:
    """One writer (the daemon), many readers (event loops)."""

    broker: Callable[[], str] = lambda: "off"
    """In words; asked for each time, as it changes while nothing is heard, too."""

    _snapshot: Snapshot = field(default_factory=Snapshot)
    _timeline: deque[Moment] = field(default_factory=lambda: deque(maxlen=TIMELINE_SECONDS))
    _viewers: dict[asyncio.Event, asyncio.AbstractEventLoop] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    def timeline(self) -> list[Moment]:
        with self._lock:
            return list(self._timeline)

    def show(self, snapshot: Snapshot) -> None:
        """Called from the daemon's threads."""
        with self._lock:
            self._snapshot = snapshot
            while self._timeline and self._timeline[-1].time > snapshot.time:
                self._timeline.pop()  # the clock was set back: those seconds come again
            if snapshot.mood and (
                not self._timeline or snapshot.time - self._timeline[-1].time >= 1.0
            ):
                self._timeline.append(Moment(snapshot.time, snapshot.mood, snapshot.confidence))
            viewers = list(self._viewers.items())
        for wake, loop in viewers:
            try:
                loop.call_soon_threadsafe(wake.set)
            except RuntimeError:  # that loop has just closed; its viewer is gone with it
                pass

    async def watch(self, keep_alive: float) -> AsyncIterator[Snapshot | None]:
        """The newest snapshot whenever there is one; None after `keep_alive` silent seconds."""
        wake = asyncio.Event()
        wake.set()
        with self._lock:
            self._viewers[wake] = asyncio.get_running_loop()
        try:
            while True:
                try:
                    await asyncio.wait_for(wake.wait(), keep_alive)
                except TimeoutError:
                    yield None
                else:
                    wake.clear()
                    yield self._snapshot
        finally:
            with self._lock:
                self._viewers.pop(wake, None)


async def stream(feed: LiveFeed) -> AsyncIterator[bytes]:
    """Server-sent events: the timeline once, then the present as it changes."""
    timeline = [(moment.time, moment.mood, moment.confidence) for moment in feed.timeline()]
    yield _event("timeline", timeline)
    told = None
    async for snapshot in feed.watch(KEEP_ALIVE_SECONDS):
        if (broker := feed.broker()) != told:
            told = broker
            yield _event("broker", broker)
        yield _event("alive", {}) if snapshot is None else _event("now", snapshot)
        await asyncio.sleep(PACE_SECONDS)


def _event(name: str, value: object) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(value) + b"\n\n"
