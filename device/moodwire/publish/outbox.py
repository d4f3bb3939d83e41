"""Events that wait for the broker: bounded, at least once, in order."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from moodwire.config import Outbox as Settings
from moodwire.publish.clock import Clock, Stamp, utc
from moodwire.publish.disk import DiskStore, OutboxError, OutboxInUseError
from moodwire.publish.retention import Limits, Retention, Slot, limits_from, waiting_since
from moodwire.publish.store import Entry, MemoryStore, Store

log = logging.getLogger(__name__)

FILE_NAME: Final = "outbox.sqlite"
TIMES: Final = ("captured", "started", "ended")
"""Fields of events that hold UTC."""


class Outbox:
    """Thread-safe: the pipeline's thread puts in, the link's thread takes out."""

    def __init__(self, store: Store, limits: Limits, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._retention = Retention(limits)
        self._lock = threading.Lock()
        self._unsynced = False
        self.touched = False
        """Something happened since the last maintenance."""
        entries, self.dropped = store.load()
        now = clock.stamp(clock.monotonic())
        for entry in entries:
            self._admit(entry, waiting_since(entry.stamp, now))
        self._next_key = entries[-1].key + 1 if entries else 1
        if entries:
            log.info("%d events from an earlier run wait for the broker", len(entries))

    def __len__(self) -> int:
        return len(self._retention)

    def append(self, topic: str, payload: bytes, stamp: Stamp) -> int:
        """On return the event survives the end of the process, with a store that does."""
        with self._lock:
            entry = Entry(self._next_key, topic, payload, stamp)
            self._next_key += 1
            self._store.put(entry)
            self._admit(entry, self._clock.monotonic())
            self._store.commit(self.dropped)
            self._unsynced = self.touched = True
            return entry.key

    def after(self, key: int, count: int) -> list[Entry]:
        """The oldest that wait, with keys above `key`."""
        with self._lock:
            found: list[Entry] = []
            for each in self._retention.after(key, count):
                entry = self._store.get(each)
                if entry is None:
                    self._retention.forget(each)
                    self._give_up([each])
                else:
                    found.append(entry)
            return found

    def remove(self, key: int) -> None:
        """The broker has it."""
        with self._lock:
            self._retention.forget(key)
            self._store.remove(key)
            self.touched = True

    def give_up(self, key: int) -> None:
        """Nobody can read it."""
        with self._lock:
            self._retention.forget(key)
            self._give_up([key])

    def limit(self, settings: Settings) -> None:
        """Other bounds from now on."""
        with self._lock:
            self._give_up(self._retention.limit(limits_from(settings)))

    def take_over(self, other: Outbox) -> None:
        """Everything that waits in another one, which is then empty."""
        for entry in other.after(0, len(other)):
            self.append(entry.topic, entry.payload, entry.stamp)
            other.remove(entry.key)

    def maintain(self) -> None:
        """Every few seconds: let the old give way, and make sure of what still waits."""
        with self._lock:
            self._give_up(self._retention.expire(self._clock.monotonic()))
            self._store.commit(self.dropped)
            waits = self._unsynced and len(self._retention) > 0
            self._unsynced = self.touched = False
        outgrown = self._store.outgrown
        if waits or outgrown:
            self._store.sync()
        if outgrown:
            with self._lock:
                self._store.fold()

    def close(self) -> None:
        self.maintain()
        with self._lock:
            self._store.close()

    def _admit(self, entry: Entry, since: float) -> None:
        self._give_up(self._retention.admit(entry.key, Slot(entry.size, since)))

    def _give_up(self, keys: list[int]) -> None:
        self.dropped += len(keys)
        for key in keys:
            self._store.remove(key)


def open_outbox(settings: Settings, state: Path, clock: Clock) -> Outbox:
    """Better an outbox in memory than no moods at all, but never one shared with another device."""
    store: Store = MemoryStore()
    if settings.store == "disk":
        try:
            store = DiskStore(state / FILE_NAME)
        except OutboxInUseError:
            raise
        except OutboxError as error:
            log.error("%s; until the next start events wait in memory only", error)
    return Outbox(store, limits_from(settings), clock)


def as_sent_late(entry: Entry, clock: Clock) -> bytes:
    """The payload of an event that had to wait: marked as delayed, and its times put right where
    the clock was set meanwhile and they were measured since the same boot.

    The fields are not checked against today's types: an earlier version may have written them.
    """
    fields = msgspec.json.decode(entry.payload, type=dict[str, Any])
    fields["delayed"] = True
    stamp, now = entry.stamp, clock.stamp(entry.stamp.monotonic)
    if not stamp.synchronised and now.synchronised and stamp.boot == now.boot:
        fields["clock_corrected"] = True
        for name in TIMES:
            if text := fields.get(name):
                told = datetime.fromisoformat(text).timestamp()
                fields[name] = utc(told + now.offset - stamp.offset)
    return msgspec.json.encode(fields)
