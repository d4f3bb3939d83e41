"""A recording gives the events that the device would have told, the same every time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from click.testing import Result
from rotten import ROTTEN

from moodwire.config import Config
from moodwire.events import json_schema

Run = Callable[..., Result]
Record = Callable[..., Path]
START = "2026-01-01T00:00:00"


@pytest.fixture
def scene(record: Record) -> Path:
    return record(
        "scene.wav", (None, 3.0), ("angry", 5.0), (None, 8.0), ("neutral", 4.0), (None, 4.0)
    )


def events(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    split = [line.split(" ", 1) for line in result.stdout.splitlines()]
    return [json.loads(payload) for topic, payload in split if topic == "moodwire/bench/event"]


def test_events_have_topic_payload_and_the_time_within_the_recording(
    moodwire: Run, scene: Path
) -> None:
    result = moodwire("replay", "--fast", "--start", START, scene)
    began, ended = events(result)
    for event in (began, ended):
        jsonschema.validate(event, json_schema())
    assert (began["event_type"], began["mood"]) == ("started", "angry")
    assert (ended["event_type"], ended["mood_id"]) == ("ended", began["mood_id"])
    assert "2026-01-01T00:00:03" < str(began["started"]) < "2026-01-01T00:00:05"
    assert 3.5 < float(str(ended["duration"])) < 5.0 + Config().gate.hangover + 0.3
    assert "1 mood (angry 1)" in result.stderr


def test_values_are_printed_when_asked_for(moodwire: Run, scene: Path) -> None:
    told = moodwire("replay", "--fast", "--values", scene).stdout.splitlines()
    moods = [line.split()[1] for line in told if line.startswith("moodwire/bench/mood ")]
    assert moods == ["quiet", "uncertain", "angry", "quiet", "uncertain", "neutral", "quiet"]


def test_recorded_windows_decide_to_the_letter_as_the_sound_did(
    moodwire: Run, scene: Path, tmp_path: Path
) -> None:
    windows = tmp_path / "evening.jsonl"
    heard = moodwire("replay", "--fast", "--start", START, "--values", "--record", windows, scene)
    again = moodwire("replay", "--fast", "--start", START, "--values", windows)
    assert events(heard)
    assert again.stdout == heard.stdout


def test_recorded_windows_meet_the_present_settings(
    moodwire: Run, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = tmp_path / "evening.jsonl"
    moodwire("replay", "--fast", "--record", windows, scene)
    strict = tmp_path / "strict.toml"
    strict.write_text("[decision]\nminimum_duration = 30.0\n")
    assert events(moodwire("replay", "--fast", windows))
    assert not events(moodwire("replay", "--fast", "--config", strict, windows))


def test_a_damaged_recording_of_windows_is_named_with_its_line(
    moodwire: Run, scene: Path, tmp_path: Path
) -> None:
    windows = tmp_path / "evening.jsonl"
    moodwire("replay", "--fast", "--record", windows, scene)
    lines = windows.read_bytes().splitlines()
    for damage in (lines[6][:20], *ROTTEN.values()):
        for number in (1, 7):
            damaged = [*lines[: number - 1], damage, *lines[number:]]
            windows.write_bytes(b"\n".join(damaged))
            result = moodwire("replay", "--fast", windows)
            assert result.exit_code == 5
            assert f"{windows}:{number}:" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_ends_a_recording_of_windows_in_one_line(
    moodwire: Run, scene: Path, tmp_path: Path
) -> None:
    full = tmp_path / "full.jsonl"
    full.symlink_to("/dev/full")
    result = moodwire("replay", "--fast", "--record", full, scene)
    assert result.exit_code == 5
    assert result.stderr.splitlines()[-1] == f"Error: {full}: No space left on device"


def test_no_record_is_written_over_a_recording(moodwire: Run, scene: Path, tmp_path: Path) -> None:
    sound = scene.read_bytes()
    linked, named = tmp_path / "linked.jsonl", tmp_path / "named.jsonl"
    linked.symlink_to(scene)
    named.hardlink_to(scene)
    (tmp_path / "folder").mkdir()
    other_spelling = tmp_path / "folder" / ".." / scene.name
    for record in (scene, other_spelling, linked, named):
        result = moodwire("replay", "--fast", "--record", record, scene)
        assert result.exit_code == 2, result.output
        assert str(record) in result.stderr
        assert scene.read_bytes() == sound


def test_arguments_in_the_wrong_order_lose_nothing(
    moodwire: Run, scene: Path, tmp_path: Path
) -> None:
    sound = scene.read_bytes()
    swapped = moodwire("replay", "--fast", "--record", scene, tmp_path / "evening.jsonl")
    assert swapped.exit_code == 2
    assert scene.read_bytes() == sound


def test_windows_are_not_recorded_a_second_time(moodwire: Run, scene: Path, tmp_path: Path) -> None:
    windows, again = tmp_path / "evening.jsonl", tmp_path / "again.jsonl"
    moodwire("replay", "--fast", "--record", windows, scene)
    result = moodwire("replay", "--fast", "--record", again, windows)
    assert result.exit_code == 2
    assert f"{windows} is itself such a record" in result.stderr
    assert not again.exists()


def test_what_cannot_be_played_is_told(moodwire: Run, tmp_path: Path) -> None:
    missing = moodwire("replay", "--fast", tmp_path / "missing.wav")
    assert (missing.exit_code, "missing.wav: No such file" in missing.stderr) == (5, True)
    nonsense = moodwire("replay", "--fast", "--model", tmp_path, "whatever.wav")
    assert (nonsense.exit_code, "is missing" in nonsense.stderr) == (4, True)


@pytest.mark.parametrize("name", ["README", "vmic"])
def test_what_is_no_file_is_not_taken_for_a_microphone(
    moodwire: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def spawned(device: str, channel: int) -> None:
        pytest.fail(f"a microphone was opened: {device}")

    monkeypatch.setattr("moodwire.audio.capture_source.spawn_capture", spawned)
    result = moodwire("replay", "--fast", name)
    assert result.exit_code == 5
    assert result.stderr == f"Error: {name}: No such file or directory\n"


@pytest.mark.parametrize(
    "setting",
    [
        '[[alert]]\nname = "a"\nmoods = ["bored"]',
        "[decision.per_mood.bored]\nenter = 0.9",
        '[decision]\nuntold = ["neutral", "bored"]',
    ],
)
def test_settings_that_no_mood_of_the_model_fits_are_told(
    moodwire: Run, scene: Path, tmp_path: Path, setting: str
) -> None:
    file = tmp_path / "bored.toml"
    import tones

    file.write_text(f'[model]\npath = "{tones.BUNDLE}"\n{setting}\n')
    result = moodwire("replay", "--fast", "--config", file, scene)
    assert result.exit_code == 3
    assert "'bored'; the model knows angry, disgust, fear" in result.stderr


@pytest.mark.parametrize("start", ["9999-12-31T23:59:59", "9001-01-01T00:00:00Z"])
def test_a_beginning_after_which_no_date_is_left_is_refused(
    moodwire: Run, scene: Path, start: str
) -> None:
    refused = moodwire("replay", "--fast", "--start", start, scene)
    assert refused.exit_code == 2
    assert "--start" in refused.stderr


@pytest.mark.parametrize("time", ["1e300", "-1e12"])
def test_windows_of_a_time_without_a_date_are_named_with_their_line(
    moodwire: Run, scene: Path, tmp_path: Path, time: str
) -> None:
    windows = tmp_path / "evening.jsonl"
    moodwire("replay", "--fast", "--record", windows, scene)
    lines = windows.read_text().splitlines()
    windows.write_text("\n".join([lines[0], f'{{"time":{time}}}']) + "\n")
    refused = moodwire("replay", "--fast", "--values", windows)
    assert refused.exit_code == 5
    assert "evening.jsonl:2:" in refused.stderr
