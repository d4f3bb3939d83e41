"""The outbox: what gives way, what survives, and what a damaged file does."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodwire.config import Outbox as Settings
from moodwire.publish import disk
from moodwire.publish.clock import Stamp, WallClock
from moodwire.publish.disk import LOG_BYTES, DiskStore, OutboxInUseError
from moodwire.publish.outbox import FILE_NAME, Outbox, open_outbox
from moodwire.publish.retention import Limits, Retention, Slot, waiting_since

HERE = Stamp("boot", 100.0, 1e9, True)
DISK = Settings(store="disk")


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> WallClock:
        return WallClock(lambda: 1e9 + self.now, lambda: self.now, lambda: True, "boot")


def outbox_at(directory: Path, settings: Settings = DISK) -> Outbox:
    return open_outbox(settings, directory, Time().clock())


def payloads(outbox: Outbox) -> list[bytes]:
    return [entry.payload for entry in outbox.after(0, 10_000)]


@given(
    st.lists(st.tuples(st.integers(1, 400), st.floats(0.0, 50.0), st.booleans()), max_size=60),
    st.integers(1, 8),
    st.integers(1, 1000),
)
def test_the_oldest_give_way_and_no_bound_is_ever_passed(steps, events, size):
    retention = Retention(Limits(events, size, 60.0))
    alive: list[int] = []
    now = 0.0
    for key, (bytes_, pause, delivered) in enumerate(steps, start=1):
        now += pause
        gone = retention.expire(now) + retention.admit(key, Slot(bytes_, now))
        alive.append(key)
        assert gone == alive[: len(gone)]
        alive = alive[len(gone) :]
        if delivered and alive:
            retention.forget(alive.pop(len(alive) // 2))
        assert retention.after(0, 100) == alive
        assert len(alive) <= events
        assert retention.bytes <= size


def test_age_counts_across_boots_only_where_both_clocks_were_set():
    now = Stamp("new", 50.0, 2e9, True)
    old = Stamp("old", 7000.0, 2e9 - 7000.0 - 3600.0, True)
    assert now.monotonic - waiting_since(old, now) == pytest.approx(3600.0 + 50.0)
    unset = Stamp("old", 7000.0, 0.0, False)
    assert waiting_since(unset, now) == now.monotonic
    assert waiting_since(old, Stamp("new", 50.0, 0.0, False)) == 50.0
    assert waiting_since(Stamp("new", 10.0, 0.0, False), now) == 10.0


def test_what_was_given_up_is_counted_even_after_a_restart(tmp_path):
    settings = Settings(store="disk", events=3)
    outbox = outbox_at(tmp_path, settings)
    for number in range(8):
        outbox.append("t", b"%d" % number, HERE)
    assert (len(outbox), outbox.dropped) == (3, 5)
    outbox.close()
    again = outbox_at(tmp_path, settings)
    assert (payloads(again), again.dropped) == ([b"5", b"6", b"7"], 5)
    again.close()


def test_narrower_bounds_hold_at_once(tmp_path):
    outbox = outbox_at(tmp_path)
    for number in range(8):
        outbox.append("t", b"%d" % number, HERE)
    outbox.limit(Settings(store="disk", events=3))
    assert (payloads(outbox), outbox.dropped) == ([b"5", b"6", b"7"], 5)
    outbox.close()


def test_another_outbox_takes_over_what_waits(tmp_path):
    memory, disk_ = outbox_at(tmp_path, Settings(store="memory")), outbox_at(tmp_path)
    disk_.append("t", b"earlier", HERE)
    for number in range(3):
        memory.append("t", b"%d" % number, HERE)
    disk_.take_over(memory)
    assert payloads(memory) == []
    disk_.close()
    again = outbox_at(tmp_path)
    assert payloads(again) == [b"earlier", b"0", b"1", b"2"]
    again.close()


def test_too_old_is_given_up(tmp_path):
    time = Time()
    outbox = open_outbox(Settings(store="disk", hours=1.0), tmp_path, time.clock())
    outbox.append("t", b"old", HERE)
    time.now += 3000.0
    outbox.append("t", b"young", HERE)
    time.now += 1000.0
    outbox.maintain()
    assert (payloads(outbox), outbox.dropped) == ([b"young"], 1)
    outbox.close()


def test_what_was_delivered_does_not_come_back(tmp_path):
    outbox = outbox_at(tmp_path)
    keys = [outbox.append("t", b"%d" % number, HERE) for number in range(4)]
    outbox.remove(keys[0])
    outbox.remove(keys[2])
    outbox.close()
    again = outbox_at(tmp_path)
    assert payloads(again) == [b"1", b"3"]
    assert again.append("t", b"4", HERE) > keys[-1]
    again.close()


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from test_outbox import HERE, outbox_at
outbox = outbox_at(__import__("pathlib").Path({directory!r}))
for number in range(30):
    outbox.append("t", b"%d" % number, HERE)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_event_is_safe_from_kill_9_once_append_returned(tmp_path):
    script = KILLED.format(tests=str(Path(__file__).parent), directory=str(tmp_path))
    assert subprocess.run([sys.executable, "-c", script]).returncode == -9
    again = outbox_at(tmp_path)
    assert payloads(again) == [b"%d" % number for number in range(30)]
    again.close()


def test_after_a_power_cut_what_was_synced_is_there_and_the_rest_a_clean_beginning(tmp_path):
    """The card may end anywhere in what was not yet forced onto it."""
    source = tmp_path / "running"
    outbox = outbox_at(source)
    for number in range(10):
        outbox.append("t", b"%d" % number, HERE)
    outbox.maintain()
    synced = (source / f"{FILE_NAME}-wal").stat().st_size
    for number in range(10, 40):
        outbox.append("t", b"%d" % number, HERE)
    written = (source / f"{FILE_NAME}-wal").stat().st_size
    assert written > synced

    dice = random.Random(5)
    for cut in [synced, *(dice.randrange(synced, written) for _ in range(12))]:
        copy = tmp_path / f"cut-{cut}"
        shutil.copytree(source, copy)
        with (copy / f"{FILE_NAME}-wal").open("r+b") as log:
            log.truncate(cut)
            log.seek(cut)
            log.write(dice.randbytes(64))
        survivor = outbox_at(copy)
        found = payloads(survivor)
        assert len(found) >= 10
        assert found == [b"%d" % number for number in range(len(found))]
        survivor.close()
    outbox.close()


def test_only_maintenance_waits_for_the_card(tmp_path):
    """SQLite would fold its log, and wait for the card, in the thread that hears."""
    outbox = outbox_at(tmp_path)
    outbox.maintain()
    file, log = tmp_path / FILE_NAME, tmp_path / f"{FILE_NAME}-wal"
    before = file.read_bytes()
    for number in range(2_000):
        outbox.remove(outbox.append("t", b"%d" % number, HERE))
    waiting = outbox.append("t", b"last", HERE)
    assert file.read_bytes() == before
    assert log.stat().st_size > LOG_BYTES
    outbox.maintain()
    assert log.stat().st_size == 0
    assert [entry.key for entry in outbox.after(0, 10)] == [waiting]
    outbox.close()
    again = outbox_at(tmp_path)
    assert payloads(again) == [b"last"]
    again.close()


@pytest.mark.parametrize("damage", ["garbage", "middle", "another format", "empty"])
def test_a_damaged_file_is_set_aside_and_the_daemon_goes_on(tmp_path, damage, caplog):
    outbox = outbox_at(tmp_path)
    for number in range(200):
        outbox.append("t", b"%d" % number * 50, HERE)
    outbox.close()
    path = tmp_path / FILE_NAME
    match damage:
        case "garbage":
            path.write_bytes(b"no database at all" * 100)
        case "middle":
            content = bytearray(path.read_bytes())
            content[4096:12288] = b"\xff" * 8192
            path.write_bytes(content)
        case "another format":
            with sqlite3.connect(path) as database:
                database.execute("PRAGMA user_version = 99")
            database.close()
        case "empty":
            path.write_bytes(b"")
    again = outbox_at(tmp_path)
    again.append("t", b"new", HERE)
    assert payloads(again) == [b"new"]
    again.close()
    aside = list(tmp_path.glob(f"{FILE_NAME}.corrupt-*"))
    assert len(aside) == (0 if damage == "empty" else 1)
    assert damage == "empty" or str(aside[0]) in caplog.text


def test_not_every_damaged_file_is_kept_for_ever(tmp_path):
    for _ in range(5):
        (tmp_path / FILE_NAME).write_bytes(b"broken")
        outbox_at(tmp_path).close()
    assert len(list(tmp_path.glob("*.corrupt-*"))) == 2


def test_a_file_that_breaks_while_in_use_is_replaced_and_new_events_are_safe(tmp_path, caplog):
    outbox = outbox_at(tmp_path)
    outbox.append("t", b"before", HERE)
    store = outbox._store
    assert isinstance(store, DiskStore)
    store._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (tmp_path / FILE_NAME).open("r+b") as file:
        file.write(b"\xff" * 16384)
    store._database.execute("PRAGMA shrink_memory")
    for number in range(3):
        outbox.append("t", b"%d" % number, HERE)
    assert payloads(outbox)[-3:] == [b"0", b"1", b"2"]
    outbox.close()
    again = outbox_at(tmp_path)
    assert payloads(again)[-3:] == [b"0", b"1", b"2"]
    again.close()


def test_a_full_card_keeps_events_in_memory_until_there_is_room(tmp_path, caplog):
    outbox = outbox_at(tmp_path)
    store = outbox._store
    assert isinstance(store, DiskStore)
    (pages,) = store._database.execute("PRAGMA page_count").fetchone()
    store._database.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(40):
        outbox.append("t", b"%d" % number * 400, HERE)
    assert "full" in caplog.text
    assert len([each for each in caplog.records if each.name == disk.__name__]) == 1
    assert len(payloads(outbox)) == 40

    store._database.execute("PRAGMA max_page_count = 100000")
    outbox.maintain()
    outbox.close()
    again = outbox_at(tmp_path)
    assert len(payloads(again)) == 40
    again.close()


def test_two_devices_cannot_share_an_outbox(tmp_path):
    first = outbox_at(tmp_path)
    with pytest.raises(OutboxInUseError, match=r"paths\.state"):
        outbox_at(tmp_path)
    first.close()


def test_where_no_file_can_be_made_events_wait_in_memory(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    outbox = outbox_at(tmp_path / "file")
    outbox.append("t", b"event", HERE)
    assert payloads(outbox) == [b"event"]
    assert "in memory only" in caplog.text
