"""A host that stands in for the daemon, and the real server in front of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from moodwire.config import Config, History, Web
from moodwire.history.store import HistoryStore
from moodwire.model import shipped_bundle
from moodwire.web.live import LiveFeed
from moodwire.web.server import WebServer

LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad")


@dataclass
class FakeHost:
    """Answers as the daemon would, and notes what it was asked to do."""

    config: Config
    history: HistoryStore | None = None
    config_path: Path | None = None
    labels: tuple[str, ...] = LABELS
    model_name: str = "stand-in"
    bundle_path: Path = field(default_factory=shipped_bundle)
    feed: LiveFeed = field(default_factory=LiveFeed)
    muted: bool = False
    can_mute: bool = True
    hears: bool = True
    broker: str | None = None

    def mute(self, muted: bool) -> None:
        self.muted = muted

    def forget(self, start: float, end: float) -> int:
        assert self.history is not None
        return self.history.forget(start, end)

    def healthy(self) -> bool:
        return self.hears

    def metrics(self):
        return []


@pytest.fixture
def serve(tmp_path):
    """Start a server with these web settings; all are stopped at the end."""
    running = []

    def start(*, history: bool = False, context=(), **settings) -> tuple[FakeHost, WebServer]:
        config = msgspec.structs.replace(
            Config(),
            web=Web(**{"port": 0, **settings}),
            history=History(enabled=history, context=list(context)),
        )
        store = HistoryStore(tmp_path / "history.sqlite") if history else None
        host = FakeHost(config, store)
        server = WebServer(host)
        server.start()
        running.append(server)
        return host, server

    yield start
    for server in running:
        server.stop()
