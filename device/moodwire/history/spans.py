"""Spans of local time in UTC seconds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from moodwire.history.store import HOUR, MoodMinute

FOREVER = 2.0**40

FIRST_YEAR = 1970

UNHEARD = 100.0
"""Seconds that an hour may lack and still count as listened to throughout."""


class NoSuchDayError(ValueError):
    """A day that no clock of this machine can reach."""


def bounds(day: date) -> tuple[float, float]:
    """UTC times of a local day; 23 or 25 hours apart when the clocks change."""
    try:
        if day.year < FIRST_YEAR:
            raise ValueError("before any clock")
        following = day + timedelta(days=1)
        start = datetime(day.year, day.month, day.day).astimezone()
        end = datetime(following.year, following.month, following.day).astimezone()
    except (OverflowError, ValueError, OSError):  # on 32 bits already in 2038
        raise NoSuchDayError(f"no such day: {day}") from None
    return start.timestamp(), end.timestamp()


def hour_of(utc: float) -> int:
    """When the local hour began, which in India is half past one of UTC's."""
    local = datetime.fromtimestamp(int(utc))
    return int(utc) - 60 * local.minute - local.second


def by_hour(minutes: Iterable[MoodMinute], listened: Iterable[int]) -> dict[int, list[MoodMinute]]:
    """The minutes of each local hour in order; an hour that was only listened to has none."""
    hours: dict[int, list[MoodMinute]] = {hour: [] for hour in listened}
    for row in minutes:
        hours.setdefault(hour_of(row.minute), []).append(row)
    return dict(sorted(hours.items()))


def quiet_until(hour: int, listened: float, now: float, write_every: float) -> float:
    """Seconds from the start of an hour in which no speech means that it was quiet.

    The store knows for how long an hour was listened to, not in which part of it: where that is
    less than all that has passed of it, a minute without speech may have been one without ears.
    Of the last `write_every` seconds it may not know yet.
    """
    passed = max(0.0, min(float(HOUR), now - write_every - hour))
    return passed if listened >= passed - UNHEARD else 0.0
