"""The page without the daemon: hears one source, or none, publishes nothing and keeps nothing.

What it hears may be a recording, or what the service beside it hears, too: neither belongs into
the history a second time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

from prometheus_client.core import Metric

from moodwire.audio.file import FileSource
from moodwire.audio.pipe import PAUSE_SECONDS
from moodwire.audio.source import Source, SourceError
from moodwire.config import Config
from moodwire.decision.observation import Observation
from moodwire.events import HEARING, SourceState
from moodwire.hearing import dated, hear
from moodwire.history.store import HistoryStore, history_path
from moodwire.model import Bundle
from moodwire.pipeline import Pipeline
from moodwire.publish.clock import Clock
from moodwire.web.live import LiveFeed, Snapshot, heard, unheard

log = logging.getLogger(__name__)


class Standalone:
    """A Host that listens by itself, in a thread of its own."""

    muted = False
    can_mute = False
    broker = None

    def __init__(
        self,
        config: Config,
        bundle: Bundle,
        pipeline: Pipeline,
        source: Source | None,
        config_path: Path | None = None,
    ) -> None:
        self.config = config
        self.config_path = config_path
        self.labels = bundle.labels
        self.model_name = bundle.name
        self.bundle_path = bundle.path
        self.feed = LiveFeed()
        self.failure: BaseException | None = None
        self.history = HistoryStore(history_path(config)) if config.history.enabled else None
        self._source = source
        self._pipeline = pipeline
        self._stop = Event()
        self._thread = Thread(target=self._run, name="listening", daemon=True)
        self.feed.show(Snapshot(source="off" if source is None else "starting"))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(2.0)

    def mute(self, muted: bool) -> None:
        raise NotImplementedError("can_mute is False")

    def forget(self, start: float, end: float) -> int:
        return self.history.forget(start, end) if self.history is not None else 0

    def healthy(self) -> bool:
        return self.failure is None and self.feed.snapshot.source != "stalled"

    def metrics(self) -> Iterable[Metric]:
        return ()

    def _run(self) -> None:
        if self._source is None:
            return
        name = self._source.name if self._source.live else Path(self._source.name).name
        self.feed.show(replace(self.feed.snapshot, source_name=name))
        try:
            self._listen(self._source)
        except SourceError as error:
            log.error("%s; start moodwire web anew to hear it again", error)
            self.failure = error
        finally:
            self._source.close()
            state = unheard(
                self.feed.snapshot, "off" if self.failure is None else "lost", time.time()
            )
            self.feed.show(state)

    def _listen(self, source: Source) -> None:
        """A file is played in real time, so that the page shows it as if it were heard."""
        began = came = time.monotonic()
        is_file = isinstance(source, FileSource)
        source, clock = dated(source)
        for chunk, told, state in hear(self._pipeline, source):
            ahead = began + chunk.end - time.monotonic() if is_file and chunk else 0.0
            if self._stop.wait(max(0.0, ahead)):
                return
            came = time.monotonic() if chunk else came
            if time.monotonic() - came > PAUSE_SECONDS:  # a pipe says nothing of it
                state = "stalled"
            if state in HEARING:
                self._show(told, state, clock)
            elif state != self.feed.snapshot.source:
                self.feed.show(unheard(self.feed.snapshot, state, time.time()))

    def _show(self, told: Iterable[Observation], state: SourceState, clock: Clock) -> None:
        for seen in told:
            utc = clock.wall(seen.window.time)
            shown = heard(self.feed.snapshot, seen, self.labels, utc)
            self.feed.show(replace(shown, source=state))
