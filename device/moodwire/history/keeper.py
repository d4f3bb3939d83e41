"""Keeps the history while the daemon runs: hears in the daemon's loop, writes in its own thread."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from moodwire.config import Config
from moodwire.decision.observation import Observation
from moodwire.events import SourceState
from moodwire.history.recorder import HistoryRecorder
from moodwire.history.store import HistoryStore, history_path
from moodwire.publish.clock import clock_is_set

log = logging.getLogger(__name__)

LONGEST_HOP = 5.0
"""Seconds; a longer pause between observations was not listened to."""


class HistoryKeeper:
    """Follows the daemon. A write that fails is reported and tried again with the next batch."""

    def __init__(self, config: Config) -> None:
        settings = config.history
        self.store = HistoryStore(history_path(config))
        self.recorder = HistoryRecorder(self.store, settings.keep_days)
        self._write_every = settings.write_every
        self._heard_until: float | None = None
        self._stop = Event()
        self._thread = Thread(target=self._write, name="history", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what is left."""
        self._stop.set()
        self._thread.join(2.0)

    def observe(self, observation: Observation) -> None:
        now = observation.window.time
        before, self._heard_until = self._heard_until, now
        if before is not None and 0.0 < now - before < LONGEST_HOP:
            utc = time.time() - (time.monotonic() - now)
            self.recorder.hear(utc, now - before, observation.mood, observation.confidence)

    def source(self, state: SourceState) -> None:
        self._heard_until = None

    def _write(self) -> None:
        with self._reporting():
            self.recorder.check()
        ended = False
        while not ended:
            ended = self._stop.wait(self._write_every)
            with self._reporting():
                self.recorder.flush(time.time(), clock_is_set=clock_is_set())

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            path, lost = self.store.path, self.recorder.lost
            rest = f"; the oldest {lost} entries had to give way" if lost else ""
            log.warning("the history could not be written to %s: %s%s", path, error, rest)
