"""No fault may fill an SD card with lines."""

from __future__ import annotations

import logging

from moodwire.service.logs import (
    MOST_TEMPLATES,
    PASSED_PER_PERIOD,
    PERIOD_SECONDS,
    JournalFormatter,
    RateLimit,
)


def record(message: str, *arguments: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("moodwire", level, "file", 1, message, arguments, None)


def test_repeated_messages_are_counted_instead_of_shown() -> None:
    now = [0.0]
    limit = RateLimit(clock=lambda: now[0])
    shown = []
    for number in range(1_000):
        now[0] = number * PERIOD_SECONDS / 500  # two periods
        line = record("block %d is bad", number)
        if limit.filter(line):
            shown.append(line.getMessage())
    assert len(shown) == 2 * PASSED_PER_PERIOD
    hidden = 500 - PASSED_PER_PERIOD
    assert f"({hidden} more like this were not shown)" in shown[PASSED_PER_PERIOD]


def test_other_messages_pass_meanwhile() -> None:
    limit = RateLimit(clock=lambda: 0.0)
    for _ in range(100):
        limit.filter(record("one"))
    assert limit.filter(record("another"))


def test_the_memory_of_messages_is_bounded() -> None:
    limit = RateLimit(clock=lambda: 0.0)
    for number in range(10 * MOST_TEMPLATES):
        limit.filter(record(f"made up {number}"))
    assert len(limit._seen) <= MOST_TEMPLATES


def test_the_journal_gets_a_level_on_every_line() -> None:
    line = record("first\nsecond", level=logging.ERROR)
    assert JournalFormatter().format(line) == "<3>first\n<3>second"
