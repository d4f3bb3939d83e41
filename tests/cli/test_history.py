"""`moodwire history` as a person reads it."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime

import pytest
from zone import Monday

from moodwire.cli import history
from moodwire.history.recorder import HistoryRecorder
from moodwire.history.spans import bounds
from moodwire.history.store import MINUTE, HistoryStore, MoodMinute

NINE = int(datetime(2026, 3, 2, 9).timestamp())


@pytest.mark.usefixtures("india")
def test_a_row_is_an_hour_of_the_clock_on_the_wall(moodwire, tmp_path):
    store = HistoryStore(tmp_path / "history.sqlite")
    recorder = HistoryRecorder(store, keep_days=30)
    nine = int(bounds(date(2026, 3, 2))[0]) + 9 * 60 * MINUTE
    for minute in range(120):
        mood = "happy" if minute < 60 else "quiet"
        recorder.hear(nine + minute * MINUTE, 60.0, mood, 0.8)
    recorder.flush(nine + 120 * MINUTE)

    told = moodwire("history", "--day", "2026-03-02", "--file", store.path).output
    rows = [line.split() for line in told.splitlines()[2:4]]
    assert rows == [
        ["09", "H" * 30, "60", "min", "60", "min"],
        ["10", "·" * 30, "60", "min", "0", "min"],
    ]


@pytest.mark.usefixtures("berlin")
def test_the_usual_hour_is_the_same_one_by_the_clock_before_and_after_a_change(
    moodwire, tmp_path, monkeypatch
):
    monkeypatch.setattr(history, "datetime", Monday)
    store = HistoryStore(tmp_path / "history.sqlite")
    mornings = [datetime(2026, 10, 26 - back, 8) for back in range(15)]
    store.add(MoodMinute(int(each.timestamp()), "happy", 60.0, 0.8) for each in mornings)
    told = moodwire("history", "--day", "2026-10-26", "--file", store.path).output
    assert "over 14 days: as usual" in " ".join(told.split())


@pytest.mark.usefixtures("berlin")
def test_on_the_first_day_nothing_is_usual(moodwire, tmp_path, monkeypatch):
    monkeypatch.setattr(history, "datetime", Monday)
    store = HistoryStore(tmp_path / "history.sqlite")
    store.add([MoodMinute(int(datetime(2026, 10, 26, 8).timestamp()), "happy", 60.0, 0.8)])
    told = moodwire("history", "--day", "2026-10-26", "--file", store.path).output
    said = "happy: 100 % of this hour's speech, usually not known yet: too few days to say"
    assert said in " ".join(told.split())


@pytest.mark.parametrize("options", [(), ("--json", "--all"), ("--mood", "happy")])
def test_a_damaged_history_is_said_in_one_line_and_left(moodwire, tmp_path, options):
    path = tmp_path / "history.sqlite"
    path.write_bytes(b"no database at all" * 100)
    result = moodwire("history", *options, "--file", path)
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    assert f"the history in {path} is damaged (file is not a database)" in line
    assert list(tmp_path.glob("history*")) == [path]


def test_a_history_can_be_read_where_nothing_can_be_written(tmp_path):
    store = HistoryStore(tmp_path / "history.sqlite")
    store.add([MoodMinute(NINE, "happy", 60.0, 0.8)])
    read = f"ulimit -f 0; exec {sys.executable} -m moodwire history --csv --all --file {store.path}"
    told = subprocess.run(["bash", "-c", read], capture_output=True, text=True)
    assert (told.returncode, len(told.stdout.splitlines())) == (0, 2), told.stderr
    assert list(tmp_path.iterdir()) == [store.path]


def test_a_history_that_cannot_be_opened_is_said_in_one_line(moodwire, tmp_path):
    result = moodwire("history", "--file", tmp_path)
    assert result.exit_code == 1
    said = f"the history in {tmp_path} cannot be read: unable to open database file"
    assert result.output == f"Error: {said}\n"


def test_an_hour_that_was_listened_to_in_part_shows_no_quiet(moodwire, tmp_path):
    """Switched on at half past eight, the store knows of thirty minutes, not of which."""
    store = HistoryStore(tmp_path / "history.sqlite")
    eight = int(datetime(2026, 3, 2, 8).timestamp())
    spoken = [MoodMinute(eight + minute * MINUTE, "happy", 60.0, 0.8) for minute in range(40, 50)]
    store.add(spoken, [(eight, 1_800.0)])
    told = moodwire("history", "--day", "2026-03-02", "--file", store.path).output
    head, row = told.splitlines()[1:3]
    assert row.index("H") == head.index("one letter") + 20
    assert row.split() == ["08", "HHHHH", "30", "min", "10", "min"]


def test_a_history_that_is_written_seldom_is_waited_for(moodwire, tmp_path, monkeypatch):
    """At half past eight by the clock the file knows of a quarter of an hour."""
    monkeypatch.setattr(history, "datetime", Monday)
    file = tmp_path / "config.toml"
    file.write_text(f'paths.state = "{tmp_path}"\nhistory.write_every = 900.0\n')
    store = HistoryStore(tmp_path / "history.sqlite")
    store.add(listened=[(int(datetime(2026, 10, 26, 8).timestamp()), 900.0)])
    told = moodwire("history", "--day", "2026-10-26", "--config", file).output
    assert told.splitlines()[2].split() == ["08", "·" * 8, "15", "min", "0", "min"]


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_that_no_clock_reaches_is_said(moodwire, tmp_path, day):
    store = HistoryStore(tmp_path / "history.sqlite")
    store.add([])
    result = moodwire("history", "--day", day, "--file", store.path)
    assert result.exit_code == 2
    assert f"no such day: {day}" in result.output


def test_a_mood_that_the_history_does_not_hold_is_refused(moodwire, tmp_path):
    store = HistoryStore(tmp_path / "history.sqlite")
    eight = int(datetime(2026, 3, 2, 8).timestamp())
    store.add(MoodMinute(eight, mood, 60.0, 0.8) for mood in ("sad", "happy"))
    result = moodwire("history", "--mood", "hapy", "--file", store.path)
    assert result.exit_code == 2
    assert "the history holds no hapy; it holds happy, sad" in result.output
    assert (
        "When people sound sad" in moodwire("history", "--mood", "sad", "--file", store.path).output
    )


def configuration(folder, **history):
    settings = "".join(f"{name} = {value}\n" for name, value in history.items())
    file = folder / "kept.toml"
    file.write_text(f'[paths]\nstate = "{folder}"\n[history]\n{settings}')
    return file


def test_before_the_first_write_the_history_is_not_called_off(moodwire, tmp_path):
    config = configuration(tmp_path, enabled="true", write_every=120)
    result = moodwire("history", "--config", config)
    path = tmp_path / "history.sqlite"
    assert result.exit_code == 0
    assert result.stderr == f"nothing is written yet: the service writes {path} every 120 s\n"
    assert "Nothing of today is written yet." in result.stdout
    assert "Nothing was heard." not in result.stdout
    assert not path.exists()


def test_before_the_first_write_programs_get_an_empty_history(moodwire, tmp_path):
    config = configuration(tmp_path, enabled="true")
    assert moodwire("history", "--json", "--config", config).stdout == "[]\n"
    assert moodwire("history", "--csv", "--config", config).stdout.count("\n") == 1


def test_a_history_that_is_off_is_called_off(moodwire, tmp_path):
    for where in (
        ("--config", configuration(tmp_path, enabled="false")),
        ("--file", tmp_path / "other.sqlite"),
    ):
        result = moodwire("history", *where)
        assert result.exit_code == 3
        assert "set enabled = true under [history] and restart the service" in result.output


def test_on_another_day_nothing_was_heard(moodwire, tmp_path):
    store = HistoryStore(tmp_path / "history.sqlite")
    store.add([])
    told = moodwire("history", "--day", "2026-03-02", "--file", store.path).stdout
    assert told.endswith("Nothing was heard.\n")


@pytest.mark.parametrize(
    "options",
    [
        ("--json", "--csv"), ("--mood", "happy", "--csv"), ("--all",),
        ("--csv", "--all", "--day", "2026-03-02"), ("--mood", "happy", "--day", "2026-03-02"),
    ],
)  # fmt: skip
def test_none_of_two_wishes_is_passed_over(moodwire, tmp_path, options):
    store = HistoryStore(tmp_path / "history.sqlite")
    store.add([MoodMinute(NINE, "happy", 60.0, 0.8)])
    refused = moodwire("history", *options, "--file", store.path)
    assert (refused.exit_code, refused.stdout) == (2, "")
