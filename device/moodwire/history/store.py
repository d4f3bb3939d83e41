"""Minutes of moods in SQLite: written in batches for the SD card, deleted so that it is gone.

A row says how many seconds of one minute had one mood. Quiet time is not stored by the minute:
one row an hour says for how long the device listened, so that `quiet` and `off` can be told
apart. No sound and no words are ever in here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moodwire.config import Config, state_directory
from moodwire.damage import is_damage, set_aside, were_set_aside

MINUTE = 60
QUARTER = 900
HOUR = 3_600

SUMMED_AT_ONCE = 7 * 24 * HOUR
"""Little enough that SQLite needs no file beside the history to add it up."""

_TABLES = """
CREATE TABLE IF NOT EXISTS mood (
    minute INTEGER NOT NULL,      -- UTC seconds at its start
    mood TEXT NOT NULL,
    seconds REAL NOT NULL,
    confidence REAL NOT NULL,     -- mean over those seconds
    PRIMARY KEY (minute, mood)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listened (
    hour INTEGER PRIMARY KEY,
    seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS context (
    hour INTEGER NOT NULL,
    name TEXT NOT NULL,
    mean REAL NOT NULL,
    readings INTEGER NOT NULL,
    PRIMARY KEY (hour, name)
) WITHOUT ROWID;
"""

_ADD_MOOD = """
INSERT INTO mood VALUES (?, ?, ?, ?) ON CONFLICT (minute, mood) DO UPDATE SET
    confidence = (confidence * seconds + excluded.confidence * excluded.seconds)
               / (seconds + excluded.seconds),
    seconds = seconds + excluded.seconds
"""
_ADD_LISTENED = """
INSERT INTO listened VALUES (?, ?)
ON CONFLICT (hour) DO UPDATE SET seconds = seconds + excluded.seconds
"""
_ADD_CONTEXT = """
INSERT INTO context VALUES (?, ?, ?, ?) ON CONFLICT (hour, name) DO UPDATE SET
    mean = (mean * readings + excluded.mean * excluded.readings) / (readings + excluded.readings),
    readings = readings + excluded.readings
"""
_OLDEST = """
SELECT min(start) FROM (SELECT min(minute) AS start FROM mood
UNION ALL SELECT min(hour) FROM listened UNION ALL SELECT min(hour) FROM context)
"""
_NEXT = "SELECT minute FROM mood WHERE minute >= ? AND minute < ? ORDER BY minute LIMIT 1"
_ADD_UP = f"""
SELECT minute / {QUARTER} * {QUARTER} AS start, mood, sum(seconds) FROM mood
WHERE minute >= ? AND minute < ? GROUP BY start, mood
"""


def history_path(config: Config) -> Path:
    return state_directory(config) / "history.sqlite"


@dataclass(frozen=True, slots=True)
class MoodMinute:
    """Seconds of one minute that had one mood."""

    minute: int
    mood: str
    seconds: float
    confidence: float


@dataclass(frozen=True, slots=True)
class MoodQuarter:
    """Seconds of a quarter of an hour that had one mood. It lies in one hour of every time zone."""

    start: int
    mood: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ContextHour:
    """Mean of what another sensor said in one hour, say the temperature outside."""

    hour: int
    name: str
    mean: float
    readings: int


class DamagedError(sqlite3.DatabaseError):
    """The file is no history any more, or not whole; the message is for people."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the history in {path} is damaged ({reason}); the service sets it aside and begins "
            "a new one, at the latest when it is restarted"
        )
        self.reason = reason


class HistoryStore:
    """One file in the state directory. Each call opens and closes it: no lock is held between.

    SQLite's plain journal is only there while something is written, so that a card that is full or
    read-only can still be read.

    Any call may raise a DamagedError. Only who writes sets the file aside then: see the recorder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(
        self,
        moods: Iterable[MoodMinute] = (),
        listened: Iterable[tuple[int, float]] = (),
        context: Iterable[ContextHour] = (),
    ) -> None:
        """One transaction for a whole batch: few, large writes."""
        with self._open() as database, database:
            database.executemany(
                _ADD_MOOD, ((m.minute, m.mood, m.seconds, m.confidence) for m in moods)
            )
            database.executemany(_ADD_LISTENED, listened)
            database.executemany(
                _ADD_CONTEXT, ((c.hour, c.name, c.mean, c.readings) for c in context)
            )

    def moods(self, start: float, end: float) -> list[MoodMinute]:
        """Minutes with start <= minute < end, oldest first."""
        rows = self._read("SELECT * FROM mood WHERE minute >= ? AND minute < ?", start, end)
        return [MoodMinute(*row) for row in rows]

    def quarters(self, start: float, end: float) -> Iterator[MoodQuarter]:
        """Minutes with start <= minute < end, added up. Minutes of a year would fill the memory.

        A quarter may come in two parts.
        """
        while following := self._read(_NEXT, start, end):
            ((begin,),) = following
            start = begin + SUMMED_AT_ONCE
            yield from (MoodQuarter(*row) for row in self._read(_ADD_UP, begin, min(start, end)))

    def listened(self, start: float, end: float) -> dict[int, float]:
        """Seconds of listening by hour."""
        return dict(self._read("SELECT * FROM listened WHERE hour >= ? AND hour < ?", start, end))

    def context(self, start: float, end: float) -> list[ContextHour]:
        rows = self._read("SELECT * FROM context WHERE hour >= ? AND hour < ?", start, end)
        return [ContextHour(*row) for row in rows]

    def span(self) -> tuple[int, int] | None:
        """First and last stored minute; None while there is nothing."""
        rows = self._read("SELECT min(minute), max(minute) FROM mood")
        return rows[0] if rows and rows[0][0] is not None else None

    def oldest(self) -> int | None:
        """When the first of anything begins; None while there is nothing."""
        rows = self._read(_OLDEST)
        return rows[0][0] if rows else None

    def forget(self, start: float, end: float) -> int:
        """Delete what was stored between the two times; returns how many minutes are gone.

        The pages are overwritten (secure_delete), so that the rows cannot be read from the file any
        more. Hours are forgotten where they overlap. Files that were set aside go as a whole: what
        else they hold cannot be told any more.
        """
        with self._open() as database, database:
            gone = database.execute(
                "DELETE FROM mood WHERE minute > ? AND minute < ?", (start - MINUTE, end)
            ).rowcount
            for table in ("listened", "context"):
                database.execute(
                    f"DELETE FROM {table} WHERE hour > ? AND hour < ?", (start - HOUR, end)
                )
        for old in were_set_aside(self.path):
            old.unlink()
        return gone

    def check(self) -> None:
        """Reads all of the file, and raises where any of it is damaged."""
        for (verdict,) in self._read("PRAGMA quick_check(1)"):
            if verdict != "ok":
                raise DamagedError(self.path, " ".join(verdict.split()))

    def set_aside(self, error: DamagedError) -> None:
        """The next call begins a new file."""
        set_aside(self.path, "the history", error.reason)

    def _read(self, query: str, *values: float) -> list[Any]:
        if not self.path.exists():  # looking must not create a file
            return []
        with self._open() as database:
            return database.execute(query, values).fetchall()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
        database = sqlite3.connect(self.path, timeout=10.0)
        try:
            database.execute("PRAGMA secure_delete = ON")
            database.executescript(_TABLES)
            yield database
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                raise DamagedError(self.path, str(error)) from None
            raise
        finally:
            database.close()
