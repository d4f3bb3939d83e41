"""The history keeps what it is given, batch by batch, and what is forgotten is gone."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from threading import Event, Thread

import msgspec
import pytest

from moodwire.config import Config, Paths
from moodwire.history import keeper as keeper_module
from moodwire.history import recorder as recorder_module
from moodwire.history.keeper import HistoryKeeper
from moodwire.history.recorder import HistoryRecorder
from moodwire.history.spans import hour_of
from moodwire.history.store import HOUR, MINUTE, ContextHour, DamagedError, HistoryStore, MoodMinute

DAY = 24 * HOUR
LONG_AGO = int(datetime(2001, 1, 1, tzinfo=UTC).timestamp())
NOON = int(datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp())


@pytest.fixture
def store(tmp_path):
    return HistoryStore(tmp_path / "state" / "history.sqlite")


def test_seconds_of_one_minute_add_up_and_confidence_is_their_mean(store):
    store.add([MoodMinute(NOON, "happy", 10.0, 0.5)])
    store.add([MoodMinute(NOON, "happy", 30.0, 0.9)])
    (row,) = store.moods(NOON, NOON + MINUTE)
    assert row.seconds == 40.0
    assert row.confidence == pytest.approx(0.8)


def test_looking_at_nothing_creates_no_file(store):
    assert store.moods(0, 2e9) == []
    assert store.span() is None
    assert not store.path.exists()


def test_only_the_owner_may_read_the_file(store):
    store.add([MoodMinute(NOON, "sad", 1.0, 1.0)])
    assert store.path.stat().st_mode & 0o077 == 0


def test_forgotten_rows_are_not_in_the_file_any_more(store):
    marker = "zeldzaam"  # a mood name that is easy to find among bytes
    rows = [MoodMinute(NOON + i * MINUTE, marker, 5.0, 1.0) for i in range(600)]
    store.add(rows, [(NOON, 600.0)])
    assert store.forget(NOON, NOON + 700 * MINUTE) == 600
    for file in store.path.parent.iterdir():
        assert marker.encode() not in file.read_bytes()
    assert store.listened(0, 2e9) == {}


def test_forgetting_an_hour_leaves_its_neighbours(store):
    rows = [MoodMinute(NOON + hour * HOUR, "happy", 5.0, 1.0) for hour in range(3)]
    store.add(rows)
    store.forget(NOON + HOUR, NOON + 2 * HOUR)
    assert [row.minute for row in store.moods(0, 2e9)] == [NOON, NOON + 2 * HOUR]


def test_recorder_writes_only_when_flushed_and_quiet_costs_no_row(store):
    recorder = HistoryRecorder(store, keep_days=30)
    for second in range(120):
        recorder.hear(NOON + second, 1.0, "quiet" if second < 60 else "happy", 0.7)
    assert not store.path.exists()
    recorder.flush(NOON + 300)
    (row,) = store.moods(0, 2e9)
    assert (row.minute, row.mood, row.seconds) == (NOON + MINUTE, "happy", 60.0)
    assert store.listened(0, 2e9) == {hour_of(NOON): 120.0}


def test_a_failed_write_loses_nothing(store, monkeypatch):
    recorder = HistoryRecorder(store, keep_days=30)
    recorder.hear(NOON, 10.0, "happy", 0.5)
    with monkeypatch.context() as broken:
        broken.setattr(store, "add", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            recorder.flush(NOON + 300)
    recorder.hear(NOON + 1, 10.0, "happy", 0.9)
    recorder.flush(NOON + 600)
    (row,) = store.moods(0, 2e9)
    assert row.seconds == 20.0
    assert row.confidence == pytest.approx(0.7)


def test_what_cannot_be_written_waits_up_to_a_bound_and_the_newest_stay(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(recorder_module, "MOST_WAITING", 100)
    keeper = HistoryKeeper(msgspec.structs.replace(Config(), paths=Paths(state=str(tmp_path))))
    for minute in range(150):
        keeper.recorder.hear(NOON + minute * MINUTE, 60.0, "sad", 0.5)
    with monkeypatch.context() as broken:
        broken.setattr(keeper.store, "add", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
        keeper.start()
        keeper.stop()
    assert "disk full; the oldest 50 entries had to give way" in caplog.text
    keeper.recorder.flush(NOON + 150 * MINUTE)
    assert [row.minute for row in keeper.store.moods(0, 2e9)] == [
        NOON + minute * MINUTE for minute in range(50, 150)
    ]
    assert keeper.recorder.lost == 0


def test_rows_older_than_the_retention_go(store):
    recorder = HistoryRecorder(store, keep_days=2)
    for back in (5, 1, 0):
        recorder.hear(NOON - back * DAY, 2.0 * HOUR, "sad", 0.5)
        recorder.flush(NOON - back * DAY)
    assert [row.minute for row in store.moods(0, 2e9)] == [NOON - DAY, NOON]


@pytest.mark.parametrize("is_set", [True, False])
def test_what_is_old_goes_unheard_only_by_a_clock_that_was_set(tmp_path, monkeypatch, is_set):
    """As where the microphone has been muted for longer than the retention."""
    monkeypatch.setattr(keeper_module, "clock_is_set", lambda: is_set)
    config = msgspec.structs.replace(Config(), paths=Paths(state=str(tmp_path)))
    keeper = HistoryKeeper(config)
    keeper.store.add([MoodMinute(LONG_AGO, "sad", 60.0, 0.5)])
    keeper.start()
    keeper.stop()
    assert len(keeper.store.moods(0, 2e9)) == (0 if is_set else 1)


def test_hours_go_with_time_also_where_nobody_speaks(store):
    recorder = HistoryRecorder(store, keep_days=2)
    for back in (5, 1, 0):
        recorder.hear(NOON - back * DAY, HOUR, "quiet", None)
        recorder.note_context(NOON - back * DAY, "Outdoors", 7.0)
        recorder.flush(NOON - back * DAY)
    kept = [NOON - DAY, NOON]
    assert list(store.listened(0, 2e9)) == kept
    assert [row.hour for row in store.context(0, 2e9)] == kept


def test_a_clock_that_is_wrong_for_a_while_makes_nothing_old(store):
    recorder = HistoryRecorder(store, keep_days=2)
    recorder.hear(NOON - 60, 2.0 * HOUR, "sad", 0.5)
    recorder.flush(NOON)
    recorder.hear(NOON + 200 * DAY, HOUR, "happy", 0.5)  # as much as one batch can hold
    recorder.flush(NOON + 200 * DAY)
    recorder.hear(NOON + HOUR, HOUR, "sad", 0.5)
    recorder.flush(NOON + HOUR)
    assert [row.minute for row in store.moods(0, NOON + DAY)] == [NOON - 60, NOON + HOUR]


def test_forget_reaches_what_is_not_yet_written(store):
    recorder = HistoryRecorder(store, keep_days=30)
    recorder.hear(NOON, 60.0, "sad", 0.5)
    recorder.forget(NOON - HOUR, NOON + HOUR)
    recorder.flush(NOON + 300)
    assert store.moods(0, 2e9) == []


def test_forget_reaches_what_is_being_written(store, monkeypatch):
    recorder = HistoryRecorder(store, keep_days=30)
    recorder.hear(NOON, 60.0, "sad", 0.5)
    add, forget = store.add, store.forget
    writing, forgotten = Event(), Event()

    def slow_add(*batch):
        writing.set()
        forgotten.wait(0.5)  # in vain, for forgetting waits for the write
        add(*batch)

    def noted_forget(start, end):
        gone = forget(start, end)
        forgotten.set()
        return gone

    monkeypatch.setattr(store, "add", slow_add)
    monkeypatch.setattr(store, "forget", noted_forget)
    flushing = Thread(target=recorder.flush, args=(NOON + 300,))
    flushing.start()
    assert writing.wait(60)
    assert recorder.forget(NOON - HOUR, NOON + HOUR) == 1
    flushing.join()
    assert store.moods(0, 2e9) == []


def damage(store, kind):
    content = bytearray(store.path.read_bytes())
    match kind:
        case "head":
            content[:100] = bytes(100)
        case "pages":  # all but the first, which says what tables there are
            content[4096:] = bytes(len(content) - 4096)
        case "cut":
            del content[len(content) // 2 :]
    store.path.write_bytes(content)


def aside(store):
    return sorted(store.path.parent.glob("history.sqlite.corrupt-*"))


@pytest.mark.parametrize("kind", ["head", "pages", "cut"])
def test_a_damaged_file_is_set_aside_and_the_history_goes_on(store, kind, caplog):
    recorder = HistoryRecorder(store, keep_days=30)
    store.add([MoodMinute(NOON - back * MINUTE, "happy", 60.0, 0.5) for back in range(3_000)])
    damage(store, kind)
    for second in range(600):
        recorder.hear(NOON + second, 1.0, "sad", 0.5)
    recorder.flush(NOON + 600)
    assert [row.mood for row in store.moods(0, 2e9)] == ["sad"] * 10
    (old,) = aside(store)
    assert str(old) in caplog.text
    assert old.stat().st_mode & 0o077 == store.path.stat().st_mode & 0o077 == 0


def test_who_only_reads_a_damaged_file_says_so_and_leaves_it(store):
    store.add([MoodMinute(NOON, "happy", 60.0, 0.5)])
    damage(store, "head")
    before = store.path.read_bytes()
    with pytest.raises(DamagedError, match="is damaged"):
        store.moods(0, 2e9)
    assert store.path.read_bytes() == before
    assert aside(store) == []


def test_damage_that_no_write_meets_is_found_at_the_start(store):
    store.add(context=[ContextHour(NOON + h * HOUR, "Outdoors", 9.0, 4) for h in range(-3_000, 0)])
    content = bytearray(store.path.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4096] = bytes(4096)
    store.path.write_bytes(content)
    recorder = HistoryRecorder(store, keep_days=30)
    recorder.hear(NOON, 1.0, "sad", 0.5)
    recorder.flush(NOON)
    assert aside(store) == []
    for _ in range(2):
        recorder.check()
        assert len(aside(store)) == 1


def test_a_lock_or_a_full_card_is_no_damage(store, monkeypatch):
    recorder = HistoryRecorder(store, keep_days=30)
    store.add([MoodMinute(NOON, "happy", 60.0, 0.5)])
    recorder.hear(NOON + MINUTE, 1.0, "sad", 0.5)
    connect = sqlite3.connect

    def impatient(path, timeout):
        return connect(path, timeout=0.0)

    def full(path, timeout):
        database = connect(path, timeout=timeout)
        database.execute("PRAGMA max_page_count = 1")
        return database

    with monkeypatch.context() as there:
        there.setattr(sqlite3, "connect", impatient)
        with closing(connect(store.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                recorder.flush(NOON + 300)
        there.setattr(sqlite3, "connect", full)
        recorder._moods |= {(NOON, f"{i} {'x' * 100}"): (1.0, 1.0) for i in range(1_000)}
        with pytest.raises(sqlite3.OperationalError, match="full"):
            recorder.flush(NOON + 300)
    recorder.flush(NOON + 300)
    assert aside(store) == []
    assert {row.mood for row in store.moods(0, 2e9)} >= {"happy", "sad"}


def test_what_was_set_aside_is_forgotten_with_the_rest(store):
    recorder = HistoryRecorder(store, keep_days=30)
    store.add([MoodMinute(NOON, "happy", 60.0, 0.5)])
    damage(store, "head")
    recorder.flush(NOON + 300)
    assert len(aside(store)) == 1
    recorder.forget(NOON - HOUR, NOON)
    assert aside(store) == []


def test_a_damaged_history_can_be_forgotten(store):
    recorder = HistoryRecorder(store, keep_days=30)
    store.add([MoodMinute(NOON, "happy", 60.0, 0.5)])
    damage(store, "head")
    assert recorder.forget(0, 2e9) == 0
    assert aside(store) == []
    assert store.moods(0, 2e9) == []


def test_the_daemon_heals_its_history_at_the_start(tmp_path):
    config = msgspec.structs.replace(Config(), paths=Paths(state=str(tmp_path)))
    keeper = HistoryKeeper(config)
    keeper.store.add([MoodMinute(NOON, "happy", 60.0, 0.5)])
    damage(keeper.store, "head")
    keeper.start()
    keeper.stop()
    assert len(aside(keeper.store)) == 1
