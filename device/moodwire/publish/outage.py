"""Says once that the broker is away, not every few seconds for weeks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

REMIND_SECONDS: Final = 3600.0


class Outage:
    """The log of one broker's absences."""

    def __init__(
        self, log: logging.Logger, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._monotonic = monotonic
        self._reason: str | None = None
        self._since = 0.0
        self._said = 0.0
        self._attempts = 0

    def begun(self, reason: str) -> None:
        """Also called for every further attempt that fails."""
        now = self._monotonic()
        if self._attempts == 0:
            self._since = now
        self._attempts += 1
        if reason != self._reason or now - self._said >= REMIND_SECONDS:
            self._log.warning("no broker, events wait in the outbox: %s", reason)
            self._reason = reason
            self._said = now

    def over(self, address: str) -> None:
        if self._attempts:
            away = self._monotonic() - self._since
            self._log.info("broker %s is back after %.0f s", address, away)
        else:
            self._log.info("connected to the broker %s", address)
        self._reason = None
        self._attempts = 0
