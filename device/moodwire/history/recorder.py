"""Collects moods by the minute in memory and writes them in batches."""

from __future__ import annotations

from collections import defaultdict
from threading import Lock
from typing import Any

from moodwire.events import QUIET
from moodwire.history.spans import hour_of
from moodwire.history.store import (
    HOUR,
    MINUTE,
    ContextHour,
    DamagedError,
    HistoryStore,
    MoodMinute,
)

DAY = 24 * HOUR

BELIEVED_AFTER = 2 * HOUR
"""Of listening in the week up to a time, until that time is no slip of a clock that nobody set."""

MOST_WAITING = 10_000
"""Entries of each kind that wait for a file that cannot be written: a week of talk, 4 MB."""


class HistoryRecorder:
    """Fed with the present mood after each hop; times come in as UTC seconds.

    `flush` may be called from another thread than `hear`; what could not be written stays, up to a
    bound, and is tried again with the next batch. A file that is damaged is set aside and begun
    anew.
    """

    def __init__(self, store: HistoryStore, keep_days: int) -> None:
        self._store = store
        self._keep = keep_days * DAY
        self._lock = Lock()  # of what is collected: held for moments only
        self._writing = Lock()  # of the file, so that nothing on its way there is forgotten late
        self.lost = 0  # entries that gave way since something could be written
        self._clear()

    def _clear(self) -> None:
        self._moods: dict[tuple[int, str], tuple[float, float]] = {}
        self._listened: dict[int, float] = defaultdict(float)
        self._context: dict[tuple[int, str], tuple[float, int]] = {}

    def hear(self, utc: float, seconds: float, mood: str, confidence: float | None) -> None:
        """The device listened for `seconds` up to `utc` and this was the mood."""
        with self._lock:
            self._listened[hour_of(utc)] += seconds
            if mood != QUIET:
                key = (int(utc // MINUTE) * MINUTE, mood)
                held, weighted = self._moods.get(key, (0.0, 0.0))
                self._moods[key] = (held + seconds, weighted + seconds * (confidence or 0.0))

    def note_context(self, utc: float, name: str, value: float) -> None:
        """Another sensor said something worth seeing beside the moods."""
        with self._lock:
            key = (hour_of(utc), name)
            total, readings = self._context.get(key, (0.0, 0))
            self._context[key] = (total + value, readings + 1)

    def check(self) -> None:
        """For the start: what is written later reads too little to meet all damage."""
        with self._writing:
            try:
                self._store.check()
            except DamagedError as error:
                self._store.set_aside(error)

    def flush(self, utc: float, *, clock_is_set: bool = False) -> None:
        """Write what was collected and drop what is older than the retention."""
        with self._writing:
            try:
                self._write()
                self._drop_old(utc, clock_is_set)
            except DamagedError as error:
                self._store.set_aside(error)
                self._write()

    def _write(self) -> None:
        with self._lock:
            moods, listened, context = self._moods, self._listened, self._context
            self._clear()
        if not listened and not context:
            return
        try:
            self._store.add(
                (MoodMinute(m, mood, s, w / s) for (m, mood), (s, w) in moods.items()),
                listened.items(),
                (ContextHour(h, name, t / n, n) for (h, name), (t, n) in context.items()),
            )
        except Exception:
            self._put_back(moods, listened, context)
            raise
        self.lost = 0

    def _drop_old(self, utc: float, clock_is_set: bool) -> None:
        """Unless a clock that is wrong for a while makes everything look old."""
        oldest = self._store.oldest()
        if oldest is None or oldest >= utc - self._keep - DAY:
            return
        heard = sum(self._store.listened(utc - 7 * DAY, utc).values())
        if clock_is_set or heard >= BELIEVED_AFTER:
            self._store.forget(0, utc - self._keep)

    def _put_back(
        self,
        moods: dict[tuple[int, str], tuple[float, float]],
        listened: dict[int, float],
        context: dict[tuple[int, str], tuple[float, int]],
    ) -> None:
        with self._lock:
            for key, (seconds, weighted) in moods.items():
                held, sum_held = self._moods.get(key, (0.0, 0.0))
                self._moods[key] = (held + seconds, sum_held + weighted)
            for hour, seconds in listened.items():
                self._listened[hour] += seconds
            for name, (total, readings) in context.items():
                old_total, old_readings = self._context.get(name, (0.0, 0))
                self._context[name] = (old_total + total, old_readings + readings)
            for waiting in (self._moods, self._listened, self._context):
                self.lost += _drop_oldest(waiting)

    def forget(self, start: float, end: float) -> int:
        """Forget in the file and in what waits to be written."""
        with self._writing:
            with self._lock:
                self._moods = {k: v for k, v in self._moods.items() if not start <= k[0] < end}
                self._listened = defaultdict(
                    float, {k: v for k, v in self._listened.items() if not start <= k < end}
                )
                self._context = {k: v for k, v in self._context.items() if not start <= k[0] < end}
            try:
                return self._store.forget(start, end)
            except DamagedError as error:
                self._store.set_aside(error)
                return self._store.forget(start, end)


def _drop_oldest(waiting: dict[Any, Any]) -> int:
    """Its keys begin with the time; returns how many went."""
    surplus = sorted(waiting)[: max(0, len(waiting) - MOST_WAITING)]
    for key in surplus:
        del waiting[key]
    return len(surplus)
