"""Logging for a daemon nobody watches: one line per thing, levels for the journal, no floods.

Under systemd, lines carry the journal's level prefix and leave time and name to it. A message that
repeats (the same template from the same logger) is passed a few times per minute; then it is
counted, and the next one that passes says how many were not shown. So a fault that comes with
every block of sound fills no SD card.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Final

PASSED_PER_PERIOD: Final = 5
PERIOD_SECONDS: Final = 60.0
MOST_TEMPLATES: Final = 200

JOURNAL_LEVELS: Final = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


class RateLimit(logging.Filter):
    """Passes the first few of each kind per period, and counts the rest."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        key = (record.name, str(record.msg))
        since, count = self._seen.get(key, (now, 0))
        if now - since >= PERIOD_SECONDS:
            hidden, since, count = max(0, count - PASSED_PER_PERIOD), now, 0
            if hidden:
                record.msg = f"{record.msg} ({hidden} more like this were not shown)"
        if key not in self._seen and len(self._seen) >= MOST_TEMPLATES:
            self._seen.pop(next(iter(self._seen)))
        self._seen[key] = (since, count + 1)
        return count < PASSED_PER_PERIOD


class JournalFormatter(logging.Formatter):
    """`<level>message`, each line of it, as sd-daemon(3) wants."""

    def format(self, record: logging.LogRecord) -> str:
        level = JOURNAL_LEVELS.get(record.levelname, 6)
        lines = super().format(record).splitlines() or [""]
        return "\n".join(f"<{level}>{line}" for line in lines)


def under_journal() -> bool:
    """Whether stderr is connected to the journal."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))


def set_up_logging(verbose: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    if under_journal():
        handler.setFormatter(JournalFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    handler.addFilter(RateLimit())
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True
    )
