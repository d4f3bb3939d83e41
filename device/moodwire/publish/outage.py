"""Says once that the broker is away or refuses us, not every few seconds for weeks."""

from __future__ import annotations

import logging
import math
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


class RefusedTopics:
    """The log of those on which the broker does not let us write.

    Outlives connections: who is thrown out every minute is not told every minute either.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._refused: set[str] = set()
        self._said: dict[str, float] = {}
        self._complained = False

    def begun(self, topic: str, reason: str, now: float) -> None:
        """Also called for every further message that is refused."""
        self._refused.add(topic)
        if now - self._said.get(topic, -math.inf) < REMIND_SECONDS:
            return
        # each topic once, as it is found; one reminder is for all of them
        topics = sorted(self._refused) if topic in self._said else [topic]
        self._log.warning(
            "the broker refuses messages on %s: %s; let our user write there (its ACL)",
            ", ".join(topics),
            reason,
        )
        self._said |= dict.fromkeys(topics, now)
        self._complained = True

    def over(self, topic: str) -> None:
        """Also called for every message that was never refused."""
        self._refused.discard(topic)
        if self._complained and not self._refused:
            self._log.info("the broker refuses nothing any more")
            self._complained = False
