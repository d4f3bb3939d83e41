"""Files in, moods out; what cannot be read is named, left out and told by the exit code."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
Record = Callable[..., Path]


def rows(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("seconds", [0.6, 1.5, 3.0, 20.0])
def test_a_recording_of_any_length_has_the_mood_that_it_sounds_like(
    moodwire: Run, record: Record, seconds: float
) -> None:
    result = moodwire("classify", "--json", record("one.wav", ("sad", seconds)))
    assert result.exit_code == 0
    (row,) = rows(result)
    assert row["mood"] == "sad"
    assert row["seconds"] == pytest.approx(seconds, abs=0.01)
    chances = row["probabilities"]
    assert isinstance(chances, dict)
    assert chances["sad"] == row["confidence"] == max(chances.values())
    assert sum(chances.values()) == pytest.approx(1.0, abs=1e-3)


def test_silence_around_speech_changes_nothing(moodwire: Run, record: Record) -> None:
    bare = record("bare.wav", ("happy", 2.0))
    framed = record("framed.wav", (None, 7.0), ("happy", 2.0), (None, 9.0))
    first, second = rows(moodwire("classify", "--json", bare, framed))
    assert second["mood"] == first["mood"] == "happy"
    assert second["confidence"] == pytest.approx(first["confidence"], abs=0.03)


def test_nobody_speaks(moodwire: Run, record: Record) -> None:
    result = moodwire("classify", "--json", record("empty_room.wav", (None, 5.0)))
    (row,) = rows(result)
    assert (row["mood"], row["confidence"], row["probabilities"]) == ("quiet", None, None)


def test_folders_and_globs_are_looked_through_once(moodwire: Run, record: Record) -> None:
    first = record("in/a.wav", ("angry", 2.0))
    record("in/deep/b.flac", ("fear", 2.0))
    record("in/deep/c.WAV", ("sad", 2.0))
    (first.parent / "notes.txt").write_text("no sound")
    everything = moodwire("classify", "--json", first.parent, first, f"{first.parent}/**/*.flac")
    assert [row["mood"] for row in rows(everything)] == ["angry", "fear", "sad"]
    assert everything.exit_code == 0


def test_bad_files_are_named_and_the_others_go_on(
    moodwire: Run, record: Record, tmp_path: Path
) -> None:
    good = record("good.wav", ("angry", 2.0))
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is no sound")
    bad = [tmp_path / "empty.wav", tmp_path / "text.wav", tmp_path / "missing.wav"]
    result = moodwire("classify", "--json", bad[0], good, *bad[1:])
    assert result.exit_code == 7
    assert [row["path"] for row in rows(result)] == [str(good)]
    for path in bad:
        assert str(path) in result.stderr
    assert "3 of 4 files could not be read" in result.stderr
    assert moodwire("classify", *bad).exit_code == 5


def test_links_that_lead_nowhere_are_named_and_the_others_go_on(
    moodwire: Run, record: Record, tmp_path: Path
) -> None:
    good = record("evening.wav", ("angry", 2.0))
    dangling, itself = tmp_path / "dangling.wav", tmp_path / "itself.wav"
    dangling.symlink_to("nowhere.wav")
    itself.symlink_to("itself.wav")
    for named in ([dangling, itself, good], [tmp_path / "*.wav"], [tmp_path]):
        result = moodwire("classify", "--json", *named)
        assert result.exit_code == 7, result.output
        assert [row["path"] for row in rows(result)] == [str(good)]
        assert f"left out: {dangling}: No such file or directory" in result.stderr
        assert f"left out: {itself}: Too many levels of symbolic links" in result.stderr


def test_a_name_that_is_not_utf_8_is_read_like_any_other(
    moodwire: Run, record: Record, tmp_path: Path
) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    odd = os.fsdecode(os.fsencode(folder) + b"/caf\xe9.wav")
    record("sound.wav", ("angry", 2.0)).rename(odd)
    for form in ("--json", "--csv"):
        told = moodwire("classify", form, str(folder))
        assert told.exit_code == 0, told.output
        assert "caf\ufffd.wav" in told.stdout and "angry" in told.stdout


def test_a_folder_without_a_recording_is_told(moodwire: Run, tmp_path: Path) -> None:
    (tmp_path / "memo.m4a").touch()
    told = moodwire("classify", str(tmp_path))
    assert told.exit_code == 5
    assert "no sound files in" in told.stderr and ".wav" in told.stderr


def test_a_damaged_file_does_not_spoil_the_next(
    moodwire: Run, record: Record, tmp_path: Path
) -> None:
    whole = record("whole.flac", ("angry", 8.0)).read_bytes()
    damaged = tmp_path / "damaged.flac"
    damaged.write_bytes(whole[: len(whole) // 2])
    after = record("after.wav", ("sad", 2.0))
    alone = rows(moodwire("classify", "--json", after))
    behind = rows(moodwire("classify", "--json", damaged, after))
    assert behind[-1] == alone[0]


def test_csv_for_spreadsheets(moodwire: Run, record: Record) -> None:
    files = [record('odd, "name".wav', ("angry", 2.0)), record("quiet.wav", (None, 2.0))]
    table = list(csv.DictReader(StringIO(moodwire("classify", "--csv", *files).stdout)))
    assert [row["path"] for row in table] == [str(path) for path in files]
    assert float(table[0]["angry"]) == float(table[0]["confidence"]) > 0.5
    assert (table[1]["mood"], table[1]["confidence"], table[1]["angry"]) == ("quiet", "", "")


def test_a_table_for_people(moodwire: Run, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [record("here/[odd].wav", ("angry", 2.0)), record("here/b.wav", ("sad", 2.0))]
    monkeypatch.setenv("COLUMNS", "200")
    lines = moodwire("classify", *files).stdout.splitlines()
    assert lines[0].split()[:2] == ["in", f"{files[0].parent}/"]
    assert lines[1].split()[:2] == ["[odd].wav", "angry"]
    assert lines[2].split()[:2] == ["b.wav", "sad"]
