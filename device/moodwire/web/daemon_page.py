"""The page of the running daemon: follows it, and hands it what people ask for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from threading import Condition

from prometheus_client.core import Metric

from moodwire.config import Config
from moodwire.decision.observation import MoodChange, Observation
from moodwire.events import SourceState
from moodwire.history.keeper import HistoryKeeper
from moodwire.history.store import HistoryStore
from moodwire.publish.commands import Command, Mute
from moodwire.service.monitor import Monitor
from moodwire.web.live import LiveFeed, Snapshot, heard, unheard
from moodwire.web.metrics import collect
from moodwire.web.server import WebServer

HEARD_WITHIN = 10.0
"""Seconds without sound after which a probe is told that something is wrong."""

OBEY_SECONDS = 2.0
"""For the daemon's loop to mute or to open the microphone before the page says how it is."""


class DaemonPage:
    """A Follower of the monitor and the Host of the page."""

    def __init__(
        self,
        monitor: Monitor,
        obey: Callable[[Command], None],
        keeper: HistoryKeeper | None,
        config_path: Path | None,
    ) -> None:
        self.config_path = config_path
        self.feed = LiveFeed(self._broker_state)
        self._monitor = monitor
        self._obey = obey
        self._keeper = keeper
        self._moods: Counter[str] = Counter(dict.fromkeys(self.labels, 0))
        self._openings = 0
        self._source_told = Condition()
        self.feed.show(Snapshot(source=monitor.source, source_name=self._microphone()))
        self._server = WebServer(self)

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    # as the monitor's follower, in its loop

    def observe(self, observation: Observation) -> None:
        before = self.feed.snapshot
        self._openings += observation.window.speech and not before.speech
        for change in observation.changes:
            if isinstance(change, MoodChange) and change.change == "started":
                self._moods[change.mood] += 1
        utc = time.time() - (time.monotonic() - observation.window.time)
        shown = heard(before, observation, self.labels, utc)
        self.feed.show(replace(shown, source=self._monitor.source))

    def source(self, state: SourceState) -> None:
        shown = unheard(self.feed.snapshot, state, time.time())
        self.feed.show(replace(shown, source_name=self._microphone()))
        with self._source_told:
            self._source_told.notify_all()

    # as the page's host, in the server's threads

    @property
    def config(self) -> Config:
        return self._monitor.parts.config

    @property
    def labels(self) -> tuple[str, ...]:
        return self._monitor.parts.bundle.labels

    @property
    def model_name(self) -> str:
        bundle = self._monitor.parts.bundle
        return f"{bundle.name} ({bundle.hash})"

    @property
    def bundle_path(self) -> Path:
        return self._monitor.parts.bundle.path

    @property
    def broker(self) -> str | None:
        mqtt = self.config.mqtt
        return mqtt.host if mqtt.enabled else None

    @property
    def history(self) -> HistoryStore | None:
        return self._keeper.store if self._keeper is not None else None

    @property
    def muted(self) -> bool:
        return self._monitor.source == "muted"

    @property
    def can_mute(self) -> bool:
        return not self.config.microphone.mute

    def mute(self, muted: bool) -> None:
        """The same command that MQTT brings, so its answer is published, too. Returns when it was
        done: until then the next page would say the opposite of what was asked."""
        self._obey(Mute(muted))
        with self._source_told:
            self._source_told.wait_for(lambda: self.muted == muted, OBEY_SECONDS)

    def forget(self, start: float, end: float) -> int:
        return self._keeper.recorder.forget(start, end) if self._keeper is not None else 0

    def healthy(self) -> bool:
        age = self._monitor.vitals(time.monotonic()).frame_age
        return self.muted or (age is not None and age < HEARD_WITHIN)

    def metrics(self) -> Iterable[Metric]:
        return collect(self._monitor, self._moods, self._openings)

    def _microphone(self) -> str:
        return self.config.microphone.name or "default microphone"

    def _broker_state(self) -> str:
        if self.broker is None:
            return "not used"
        state = "connected to" if self._monitor.parts.link.connected else "looking for"
        return f"{state} {self.broker}"
