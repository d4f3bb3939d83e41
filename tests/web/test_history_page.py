"""What the history page computes from the store, without a browser."""

import threading
import tracemalloc
from datetime import date, datetime
from urllib.request import urlopen

import pytest
from starlette.exceptions import HTTPException
from zone import Monday

from moodwire.config import Config, History
from moodwire.history.recorder import HistoryRecorder
from moodwire.history.spans import bounds
from moodwire.history.store import MINUTE, HistoryStore, MoodMinute
from moodwire.history.words import CSV_HEAD
from moodwire.web import history_page
from moodwire.web.history_page import view

LABELS = ("angry", "happy", "neutral", "sad")


@pytest.mark.usefixtures("india")
def test_hours_begin_where_the_clock_says_so(tmp_path):
    """Half past the hours of UTC: what is said at noon stands at minute 0 of the row of noon."""
    store = HistoryStore(tmp_path / "history.sqlite")
    recorder = HistoryRecorder(store, keep_days=30)
    start, end = bounds(date(2026, 3, 2))
    for minute in range(int(start), int(end), MINUTE):
        mood = "happy" if minute == start + 12 * 60 * MINUTE else "quiet"
        recorder.hear(minute, 60.0, mood, 0.8)
    recorder.flush(end)

    settings = Config().history
    hours = view(store, settings, ["happy"], {"day": "2026-03-02"})["hours"]
    assert [row.hour for row in hours] == list(range(24))
    assert {(row.listened, row.quiet) for row in hours} == {("60 min", 60.0)}
    (cell,) = hours[12].cells
    assert (cell.minute, cell.title) == (0, "happy from 12:00")


@pytest.mark.usefixtures("berlin")
def test_the_usual_hour_is_the_same_one_by_the_clock_before_and_after_a_change(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(history_page, "datetime", Monday)
    store = HistoryStore(tmp_path / "history.sqlite")
    mornings = [datetime(2026, 10, 26 - back, 8) for back in range(15)]
    store.add(MoodMinute(int(each.timestamp()), "happy", 60.0, 0.8) for each in mornings)
    (happy,) = view(store, Config().history, ["happy"], {})["comparison"]
    assert happy["usual"].endswith(", 14 days")
    assert happy["verdict"] == "no"


@pytest.mark.usefixtures("berlin")
def test_on_the_first_day_nothing_is_usual(tmp_path, monkeypatch):
    monkeypatch.setattr(history_page, "datetime", Monday)
    store = HistoryStore(tmp_path / "history.sqlite")
    store.add([MoodMinute(int(datetime(2026, 10, 26, 8).timestamp()), "happy", 60.0, 0.8)])
    (happy,) = view(store, Config().history, ["happy"], {})["comparison"]
    assert (happy["today"], happy["usual"]) == ("100 %", "not known yet")
    assert happy["verdict"] == "too few days to say"


def test_an_hour_that_was_listened_to_in_part_shows_no_quiet(tmp_path):
    """Switched on at half past eight, the store knows of thirty minutes, not of which."""
    store = HistoryStore(tmp_path / "history.sqlite")
    eight = int(datetime(2026, 3, 2, 8).timestamp())
    store.add([MoodMinute(eight + 40 * MINUTE, "happy", 60.0, 0.8)], [(eight, 1_800.0)])
    (row,) = view(store, Config().history, ["happy"], {"day": "2026-03-02"})["hours"]
    assert (row.quiet, row.listened, row.speech) == (0.0, "30 min", "1 min")


@pytest.mark.parametrize(("write_every", "quiet"), [(300.0, 0.0), (900.0, 15.0)])
def test_the_present_hour_is_quiet_up_to_what_was_written(
    tmp_path, monkeypatch, write_every, quiet
):
    """At half past eight by the clock the file knows of a quarter of an hour."""
    monkeypatch.setattr(history_page, "datetime", Monday)
    store = HistoryStore(tmp_path / "history.sqlite")
    store.add(listened=[(int(datetime(2026, 10, 26, 8).timestamp()), 900.0)])
    (row,) = view(store, History(write_every=write_every), ["happy"], {})["hours"]
    assert row.quiet == quiet


def test_the_view_of_months_takes_little_memory(tmp_path):
    store, now = HistoryStore(tmp_path / "history.sqlite"), int(datetime.now().timestamp())
    for back in range(1, 60):
        first = (now - back * 86_400) // MINUTE * MINUTE
        minutes = range(first, first + 300 * MINUTE, MINUTE)
        store.add(MoodMinute(each, mood, 20.0, 0.8) for each in minutes for mood in LABELS)
    tracemalloc.start()
    shown = view(store, Config().history, LABELS, {})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(cell["occasions"] for row in shown["heat"] for cell in row["cells"]) >= 5 * 59
    assert most < 2_000_000


def test_views_are_made_one_after_the_other(serve, monkeypatch):
    both = threading.Barrier(2)
    met = []

    def meeting_view(*arguments):
        try:
            both.wait(1.0)  # in vain: the other has not begun
            met.append(True)
        except threading.BrokenBarrierError:
            met.append(False)
        return view(*arguments)

    monkeypatch.setattr(history_page, "view", meeting_view)
    _, server = serve(history=True)
    visitors = [threading.Thread(target=urlopen, args=(f"{server.url}history",)) for _ in range(2)]
    for each in visitors:
        each.start()
    for each in visitors:
        each.join()
    assert met == [False, False]


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_that_no_clock_reaches_is_said(tmp_path, day):
    store = HistoryStore(tmp_path / "history.sqlite")
    with pytest.raises(HTTPException) as refused:
        view(store, Config().history, ["happy"], {"day": day})
    assert refused.value.status_code == 400
    with pytest.raises(HTTPException):
        history_page.span_to_forget("day", day)


def test_what_is_exported_comes_by_the_day(tmp_path):
    store = HistoryStore(tmp_path / "history.sqlite")
    days = (0, 1, 4)  # nothing was heard in between
    store.add(
        MoodMinute((day * 24 * 60 + row) * MINUTE, mood, 30.0, 0.8)
        for day in days
        for row in range(100)
        for mood in ("happy", "sad")
    )
    head, *pieces = history_page.csv_rows(store)
    assert head == CSV_HEAD
    assert [piece.count("\n") for piece in pieces] == [200] * len(days)
    assert pieces[0].splitlines()[0].endswith(",happy,30.00,0.8000")
