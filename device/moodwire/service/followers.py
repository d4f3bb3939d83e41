"""Who follows the daemon besides the broker: the history and the page, where they are wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from moodwire.config import Config
from moodwire.publish.commands import Command
from moodwire.service.monitor import Monitor

if TYPE_CHECKING:
    from moodwire.history.context import ContextListener
    from moodwire.history.keeper import HistoryKeeper
    from moodwire.web.daemon_page import DaemonPage

log = logging.getLogger(__name__)


class PageError(Exception):
    """The page cannot be served as the configuration asks; the message says what to change."""


class Followers:
    """Started before the first sound, stopped after the last. Imported only where asked for:
    who wants no page pays no memory for it."""

    def __init__(
        self,
        config: Config,
        monitor: Monitor,
        obey: Callable[[Command], None],
        config_path: Path | None,
    ) -> None:
        self.keeper: HistoryKeeper | None = None
        self.context: ContextListener | None = None
        self.page: DaemonPage | None = None
        if config.history.enabled:
            self._keep_history(config, monitor)
        if config.web.enabled:
            self._serve_page(monitor, obey, config_path)

    def _keep_history(self, config: Config, monitor: Monitor) -> None:
        from moodwire.history.keeper import HistoryKeeper

        self.keeper = HistoryKeeper(config)
        monitor.followers.append(self.keeper)
        if config.history.context and config.mqtt.enabled:
            from moodwire.history.context import ContextListener

            self.context = ContextListener(config, self.keeper.recorder)

    def _serve_page(
        self, monitor: Monitor, obey: Callable[[Command], None], config_path: Path | None
    ) -> None:
        try:
            from moodwire.web.daemon_page import DaemonPage
            from moodwire.web.guard import AccessError
        except ModuleNotFoundError as error:
            raise PageError(
                f"web.enabled is true, but {error.name} is not installed; "
                "install moodwire[web] or set web.enabled = false"
            ) from None
        try:
            self.page = DaemonPage(monitor, obey, self.keeper, config_path)
        except (AccessError, ValueError) as error:
            raise PageError(str(error)) from None
        except OSError as error:  # no reason to hear nothing
            log.error("there is no page until the next start: %s", error)
        else:
            monitor.followers.append(self.page)

    def start(self) -> None:
        for each in (self.keeper, self.context, self.page):
            if each is not None:
                each.start()
        if self.page is not None:
            log.info("the page is at %s", self.page.url)

    def stop(self) -> None:
        for each in (self.page, self.context, self.keeper):
            if each is not None:
                each.stop()
