"""What the page needs of whoever hears: the daemon, or `moodwire web` alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from prometheus_client.core import Metric

from moodwire.config import Config
from moodwire.history.store import HistoryStore
from moodwire.web.live import LiveFeed


class Host(Protocol):
    """The daemon as the page sees it. Every call may come from the server's thread."""

    @property
    def config(self) -> Config: ...

    @property
    def config_path(self) -> Path | None:
        """The file that `config` came from; None for the defaults."""
        ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def model_name(self) -> str: ...

    @property
    def bundle_path(self) -> Path:
        """Of the model that runs, to judge recordings with the same one."""
        ...

    @property
    def feed(self) -> LiveFeed: ...

    @property
    def broker(self) -> str | None:
        """The host to which moods are published; None where they are to none."""
        ...

    @property
    def history(self) -> HistoryStore | None:
        """None where no history is kept."""
        ...

    @property
    def muted(self) -> bool: ...

    @property
    def can_mute(self) -> bool:
        """False where there is no microphone, or where the configuration mutes it for good."""
        ...

    def mute(self, muted: bool) -> None: ...

    def forget(self, start: float, end: float) -> int:
        """Forget the history between two UTC times; how many minutes are gone."""
        ...

    def healthy(self) -> bool:
        """Sound comes in and is judged (or the microphone is muted on purpose)."""
        ...

    def metrics(self) -> Iterable[Metric]: ...
