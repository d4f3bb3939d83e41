"""What a person sees while listening, on a terminal and in a pipe."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import tones
from captured import OPENED, failure, packets
from click.testing import Result
from rich.console import Console

from moodwire.audio.pipe import Pipe, PipeSource
from moodwire.cli.live import Scene, describe
from moodwire.decision.observation import AlertRaised, MoodChange, Observation, Window
from moodwire.hearing import PacedPipe, PipeClock
from moodwire.publish.clock import WallClock

Run = Callable[..., Result]
Record = Callable[..., Path]
LABELS = ("angry", "happy", "serene")


def observation(time: float, mood: str, probabilities: tuple[float, ...] | None) -> Observation:
    smoothed = None if probabilities is None else np.array(probabilities, np.float32)
    confidence = None if smoothed is None else float(smoothed.max())
    window = Window(time, speech=smoothed is not None, level=-20.0, snr=12.0, probabilities=None)
    return Observation(window, mood, confidence, smoothed, since=time - 3.0)


def drawn(scene: Scene, width: int = 80, encoding: str = "utf-8") -> list[str]:
    class File(StringIO):
        pass

    File.encoding = encoding  # type: ignore[assignment, misc]
    console = Console(file=File(), width=width, color_system=None, legacy_windows=False)
    console.print(scene)
    assert isinstance(console.file, StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.fixture
def scene() -> Scene:
    scene = Scene("kitchen microphone", LABELS, enter=(0.6, 0.6, 0.6))
    for number in range(120):
        scene.add(observation(100 + number * 0.25, "quiet", None))
    for number in range(120, 240):
        scene.add(observation(100 + number * 0.25, "angry", (0.75, 0.2, 0.05)))
    scene.heard = 75.0
    return scene


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [1, 14, 20, 40, 60, 80, 200])
def test_the_view_fits_every_terminal(scene: Scene, width: int, encoding: str) -> None:
    lines = drawn(scene, width, encoding)
    assert encoding == "utf-8" or "".join(lines).isascii()
    assert max(map(len, lines)) <= min(width, 100)
    assert len(lines) == 11, "no line was wrapped"


def test_the_view_shows_mood_level_and_probabilities(scene: Scene) -> None:
    title, _, level, mood, _, angry, happy, _, _, before, scale = drawn(scene)
    assert title.startswith("kitchen microphone")
    assert title.endswith("1:15")
    assert "-20 dB" in level
    assert "+12 over noise" in level
    assert "angry 75%  for 3 s" in mood
    assert angry.startswith("angry")
    assert angry.endswith("75%")
    assert angry.count("█") > 3 * happy.count("█")
    assert before.endswith("█")
    assert scale.split() == ["60", "s", "ago", "now"]


def test_the_timeline_shows_the_last_minute(scene: Scene) -> None:
    (line,) = [each for each in drawn(scene) if each.startswith("before")]
    columns = line[9:]
    assert columns.count("█") == pytest.approx(len(columns) / 2, abs=2)
    assert columns.rindex("─") < columns.index("█")


def test_a_terminal_without_blocks_gets_letters(scene: Scene) -> None:
    text = "\n".join(drawn(scene, encoding="ascii"))
    assert text.isascii()
    assert "####" in text


def test_nothing_coming_is_said(scene: Scene) -> None:
    scene.waiting = 7.2
    assert "no sound for 7 s" in drawn(scene)[2]
    assert "nothing heard yet" in drawn(Scene("x", LABELS, (0.6,) * 3))[3]


def test_changes_are_told_in_words() -> None:
    change = MoodChange("ended", "angry", 9.0, 4.25, 0.8, np.zeros(3, np.float32), None, None)
    assert describe(change, 75.5, LABELS).plain == "  1:15.5  angry ended after 4.2 s, 80% sure"
    alert = AlertRaised("shouting", "angry", 0.9, 9.0, 5.0)
    assert "angry held for 5.0 s: alert shouting" in describe(alert, 75.5, LABELS).plain


def test_in_a_pipe_every_line_is_a_topic_and_a_payload(moodwire: Run, record: Record) -> None:
    result = moodwire("listen", "--input", record("short.wav", ("angry", 3.0)))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "moodwire/bench/source live"
    assert all(line.startswith("moodwire/bench/") for line in lines)
    assert any(line.startswith("moodwire/bench/event {") for line in lines)
    assert "opening" in result.stderr
    assert "1 mood (angry 1)" in result.stderr


def test_a_microphone_of_which_only_zeros_come_is_not_quiet(
    moodwire: Run, capture: Callable[..., object]
) -> None:
    capture(OPENED + packets(np.zeros(7 * 16_000), 7.0) + failure("pulled", 14.0), ends=True)
    result = moodwire("listen", "--plain")
    assert "moodwire/bench/source starting" in result.stdout.splitlines()
    assert "quiet" not in result.stdout
    assert result.stderr.splitlines()[1:-1] == [
        "only digital silence arrives: every sample is zero; see moodwire doctor"
    ]


def test_a_microphone_that_falls_silent_holds_no_mood(
    moodwire: Run, capture: Callable[..., object], tmp_path: Path
) -> None:
    sound = np.concatenate([tones.tone("angry", 4.0), np.zeros(7 * 16_000)])
    capture(OPENED + packets(sound, 7.0) + failure("pulled", 18.0), ends=True)
    patient = tmp_path / "patient.toml"
    patient.write_text(
        f'[model]\npath = "{tones.BUNDLE}"\n[device]\nid = "bench"\n[decision]\nhold = 60.0\n'
    )
    told = moodwire("listen", "--plain", "--config", patient).stdout.splitlines()
    assert [line.split()[1] for line in told if "/source " in line] == ["live", "silent"]
    after = told[told.index("moodwire/bench/source silent") :]
    assert "moodwire/bench/mood " in after
    (event,) = [json.loads(line.split(" ", 1)[1]) for line in after if "/event {" in line]
    assert (event["event_type"], event["mood"]) == ("ended", "angry")


def test_after_a_long_pause_of_a_pipe_hearing_begins_anew() -> None:
    reading, writing = os.pipe()
    now = 100.0
    clock = PipeClock(WallClock(read_wall=lambda: now, read_monotonic=lambda: now))
    source = PacedPipe(PipeSource(Pipe(reading)), clock)

    def gaps(waited: float) -> list[bool]:
        nonlocal now
        now += waited
        os.write(writing, bytes(2 * 16_000))
        read = [source.read(10.0) for _ in range(10)]
        return [chunk.after_gap for chunk in read if chunk]

    assert gaps(0.0) == [False] * 10
    assert gaps(3.0) == [False] * 10
    assert gaps(1.0) == [False] * 10
    assert gaps(20.0) == [True] + [False] * 9
    assert [clock.wall(moment) for moment in (3.5, 4.0)] == pytest.approx([124.0, 124.0], abs=1.0)
    for end in (reading, writing):
        os.close(end)


def test_the_view_shows_no_mood_while_nothing_is_to_be_judged(scene: Scene) -> None:
    scene.newest = None
    lines = drawn(scene)
    assert "silence" in lines[2]
    assert "nothing is heard" in lines[3]


def test_it_says_what_is_missing(moodwire: Run, tmp_path: Path) -> None:
    result = moodwire("listen", "--input", tmp_path / "nothing.wav")
    assert (result.exit_code, "No such file" in result.stderr) == (5, True)
