"""The outbox on disk: SQLite in WAL mode, made for SD cards and for being killed.

An event is committed before it is sent, which survives `kill -9` at once: the data is then with
the kernel. Only what still waits after a while is forced onto the card, and deliveries are noted
in batches, so that a device with a broker at hand hardly writes.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path
from typing import Final

from moodwire.damage import is_damage, set_aside
from moodwire.publish.clock import Stamp
from moodwire.publish.store import Entry

log = logging.getLogger(__name__)

FORMAT: Final = 1
"""user_version of the file."""

LOG_BYTES: Final = 1 << 20
"""Of SQLite's log, from which it is folded into the file."""

SCHEMA: Final = """
CREATE TABLE event (
  key INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL,
  boot TEXT NOT NULL, monotonic REAL NOT NULL, offset REAL NOT NULL, synchronised INTEGER NOT NULL
) STRICT;
CREATE TABLE total (dropped INTEGER NOT NULL) STRICT;
INSERT INTO total VALUES (0);
"""


class OutboxError(Exception):
    """The file cannot be used; the message says why and what to do."""


class OutboxInUseError(OutboxError):
    """By another process: going on without it would hide that two devices are mixed up."""


class DiskStore:
    """A file that is damaged is set aside, and the daemon goes on with an empty one; while the
    card is full or read-only, events wait in memory and are written as soon as that works."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unsaved: dict[int, Entry] = {}
        self._gone: set[int] = set()
        self._dropped = 0
        self._complained = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutboxError(f"{path.parent}: {error.strerror}; see paths.state") from None
        try:
            self._database = self._open()
        except _DamagedError as error:
            set_aside(path, "the outbox", str(error))
            self._database = self._open()

    def load(self) -> tuple[list[Entry], int]:
        rows = self._database.execute("SELECT * FROM event ORDER BY key").fetchall()
        (self._dropped,) = self._database.execute("SELECT dropped FROM total").fetchone()
        return [_entry(row) for row in rows], self._dropped

    def put(self, entry: Entry) -> None:
        self._unsaved[entry.key] = entry

    def get(self, key: int) -> Entry | None:
        if key in self._unsaved:
            return self._unsaved[key]
        try:
            row = self._database.execute("SELECT * FROM event WHERE key = ?", (key,)).fetchone()
        except sqlite3.DatabaseError as error:
            self._suffer(error)
            return None
        return _entry(row) if row else None

    def remove(self, key: int) -> None:
        """Noted with the next commit: an event that is sent twice does no harm."""
        if self._unsaved.pop(key, None) is None:
            self._gone.add(key)

    def commit(self, dropped: int) -> None:
        """One transaction of everything that the file does not know yet."""
        if not self._unsaved and not self._gone and dropped == self._dropped:
            return
        try:
            self._write(dropped)
        except sqlite3.DatabaseError as error:
            self._suffer(error)
            return
        self._unsaved.clear()
        self._gone.clear()
        self._dropped = dropped
        self._complained = False

    def sync(self) -> None:
        """Through a descriptor of its own, so that no lock is held while the card takes its time.

        SQLite's locks lie on other files, so closing this one releases none of them.
        """
        try:
            descriptor = os.open(f"{self._path}-wal", os.O_RDWR)
        except OSError:
            return
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            self._complain(error)
        finally:
            os.close(descriptor)

    @property
    def outgrown(self) -> bool:
        try:
            return Path(f"{self._path}-wal").stat().st_size > LOG_BYTES
        except OSError:
            return False

    def fold(self) -> None:
        try:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.DatabaseError as error:
            self._suffer(error)

    def close(self) -> None:
        self._database.close()

    def _write(self, dropped: int) -> None:
        with self._database as database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(
                "INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?, ?)",
                [_row(entry) for entry in self._unsaved.values()],
            )
            database.executemany("DELETE FROM event WHERE key = ?", [(key,) for key in self._gone])
            database.execute("UPDATE total SET dropped = ?", (dropped,))

    def _suffer(self, error: sqlite3.DatabaseError) -> None:
        """A full or read-only card may recover; a damaged file will not."""
        if isinstance(error, sqlite3.OperationalError):
            self._complain(error)
            return
        if not is_damage(error):
            raise error
        self._database.close()
        set_aside(self._path, "the outbox", str(error))
        self._database = self._open()

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            log.error("%s: %s; events wait in memory until it works again", self._path, error)
        self._complained = True

    def _open(self) -> sqlite3.Connection:
        """What people felt is nobody else's business on this machine: mode 0600."""
        try:
            self._path.touch(mode=0o600)
        except OSError as error:
            raise OutboxError(f"{self._path}: {error.strerror}; see paths.state") from None
        database = sqlite3.connect(
            self._path, timeout=0.0, isolation_level=None, check_same_thread=False
        )
        try:
            # Exclusive first: it spares the shared-memory file and keeps a second daemon out.
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            # Folding waits for the card, and would do so in the thread that hears: see `fold`.
            database.execute("PRAGMA wal_autocheckpoint = 0")
            _prepare(database)
        except sqlite3.OperationalError as error:
            database.close()
            if "locked" in str(error):
                raise OutboxInUseError(
                    f"{self._path} is in use by another process; each device needs a "
                    "paths.state of its own"
                ) from None
            raise OutboxError(f"{self._path}: {error}; see paths.state and outbox.store") from None
        except sqlite3.DatabaseError as error:
            database.close()
            raise _DamagedError(str(error)) from None
        return database


class _DamagedError(Exception):
    """The file is no outbox, or not whole."""


def _prepare(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version == 0 and tables == 0:
        database.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT")
        return
    if version != FORMAT:
        raise _DamagedError(f"format {version}, this program writes {FORMAT}")
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _DamagedError(str(verdict))
    database.execute("SELECT dropped FROM total").fetchone()


def _row(entry: Entry) -> tuple[int, str, bytes, str, float, float, int]:
    stamp = entry.stamp
    return (
        entry.key,
        entry.topic,
        entry.payload,
        stamp.boot,
        stamp.monotonic,
        stamp.offset,
        int(stamp.synchronised),
    )


def _entry(row: tuple[int, str, bytes, str, float, float, int]) -> Entry:
    key, topic, payload, boot, monotonic, offset, synchronised = row
    return Entry(key, topic, payload, Stamp(boot, monotonic, offset, bool(synchronised)))
