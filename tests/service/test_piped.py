"""A pipe has no clock: samples say how long, their arrival says when."""

from __future__ import annotations

import fcntl
import io
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import tones
from sounds import sine

from moodwire.audio.pipe import Pipe
from moodwire.audio.sample import sample_recording
from moodwire.audio.stream import Block
from moodwire.service import piped
from moodwire.service.piped import PipedStream

HOP = 1_600  # a tenth of a second
SECONDS = HOP / 16_000


class Writer:
    """Writes hops at moments of a made-up clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(piped, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.read_end, self.write_end = os.pipe()
        self._pipe = Pipe(self.read_end)
        self._stream = PipedStream(self._pipe, HOP, 0, self.now)

    def writes(self, hops: int, every: float) -> list[Block]:
        """So many, one after the other; returns what was made of them."""
        found = []
        for _ in range(hops):
            self.now += every
            os.write(self.write_end, np.ones(HOP, dtype="<i2").tobytes())
            found += self.takes()
        assert len(found) == hops
        return found

    def takes(self) -> list[Block]:
        return self._stream.take()

    def begins_anew(self, not_before: float) -> None:
        """What hears is closed and opened again, as after a mute."""
        self._stream.close()
        self._stream = PipedStream(self._pipe, HOP, 0, not_before)

    def close(self) -> None:
        os.close(self.read_end)
        os.close(self.write_end)


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    found = Writer(monkeypatch)
    yield found
    found.close()


def came(block: Block) -> float:
    """The end of the block, on the clock that people see."""
    assert block.ahead is not None
    return block.time + SECONDS - block.ahead


def test_a_writer_in_real_time_moves_no_time(writer: Writer) -> None:
    blocks = writer.writes(100, SECONDS)
    assert [came(block) for block in blocks] == pytest.approx([block.complete for block in blocks])
    assert [block.ahead for block in blocks] == pytest.approx([0.0] * len(blocks), abs=1e-6)
    assert not any(block.after_gap for block in blocks)


def test_a_fast_writer_makes_nothing_of_the_future_and_durations_count_samples(
    writer: Writer,
) -> None:
    blocks = writer.writes(10, SECONDS) + writer.writes(300, 0.001)
    assert np.diff([block.time for block in blocks]) == pytest.approx(SECONDS)
    assert all(came(block) <= block.complete + 1e-6 for block in blocks)
    assert blocks[-1].ahead == pytest.approx(300 * (SECONDS - 0.001))
    assert not any(block.after_gap for block in blocks)


def test_a_short_pause_is_caught_up_with_and_a_long_one_is_a_gap(writer: Writer) -> None:
    writer.writes(20, SECONDS)
    assert not writer.writes(1, 2.0)[0].after_gap
    writer.writes(30, 0.01)
    (after,) = writer.writes(1, 60.0)
    assert after.after_gap
    assert came(after) == pytest.approx(writer.now)


def test_a_long_pause_after_haste_does_not_turn_time_back(writer: Writer) -> None:
    hasty = writer.writes(300, 0.001)  # half a minute in no time
    (after,) = writer.writes(1, 20.0)
    assert after.after_gap
    assert after.time >= hasty[-1].time + SECONDS - 1e-6
    assert came(after) == pytest.approx(writer.now)


def test_haste_before_a_mute_does_not_turn_time_back_after_it(writer: Writer) -> None:
    hasty = writer.writes(300, 0.001)
    until = hasty[-1].time + SECONDS
    writer.begins_anew(until)
    blocks = writer.writes(10, SECONDS)
    assert blocks[0].time == pytest.approx(until)
    assert [came(block) for block in blocks] == pytest.approx([block.complete for block in blocks])


def test_what_comes_at_once_is_taken_at_once(writer: Writer) -> None:
    """Whoever polls the descriptor hears nothing of what was read and not taken."""
    os.write(writer.write_end, bytes(2 * (3 * HOP + HOP // 2)))
    assert len(writer.takes()) == 3
    os.write(writer.write_end, bytes(HOP))
    assert len(writer.takes()) == 1


def test_a_writer_that_never_pauses_does_not_keep_the_loop(writer: Writer) -> None:
    fcntl.fcntl(writer.write_end, fcntl.F_SETPIPE_SZ, 1 << 20)
    os.write(writer.write_end, bytes(1 << 20))
    assert len(writer.takes()) <= (1 << 16) // (2 * HOP) + 1


def test_closed_and_opened_anew_it_still_knows_what_the_pipe_carries() -> None:
    """A header comes once; and the pipe may stand in the middle of a frame."""
    tone = np.repeat(sine(440.0, 1.0, 48_000), 2)
    file = io.BytesIO()
    soundfile.write(file, tone.reshape(-1, 2), 48_000, format="WAV", subtype="PCM_24")
    content = file.getvalue()
    cut = len(content) // 2 + 1
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 20)
    pipe, halves = Pipe(reading), []
    for part in (content[:cut], content[cut:]):
        stream = PipedStream(pipe, HOP, 0, 0.0)
        os.write(writing, part)
        blocks: list[Block] = []
        while select.select([reading], [], [], 0.0)[0]:
            blocks += stream.take()
        stream.close()
        halves.append(np.concatenate([block.samples for block in blocks]))
    os.close(reading)
    os.close(writing)
    for half in halves:
        spectrum = np.abs(np.fft.rfft(half))
        assert np.argmax(spectrum) * 16_000 / len(half) == pytest.approx(440.0, abs=3.0)
    assert sum(map(len, halves)) / 16_000 == pytest.approx(1.0, abs=SECONDS)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(
        f"[mqtt]\nenabled = false\n[paths]\nstate = {json.dumps(str(tmp_path))}\n"
        f"[model]\npath = {json.dumps(str(tones.BUNDLE))}\n"
    )
    return file


def told_of_a_hasty_voice(*command: object) -> list[dict[str, Any]]:
    """Half a minute of it comes at once."""
    raw = (32_767 * sample_recording()).astype("<i2").tobytes()
    done = subprocess.run(
        [sys.executable, "-m", "moodwire", *map(str, command)], input=raw, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return [
        json.loads(payload)
        for topic, _, payload in (line.partition(" ") for line in done.stdout.decode().splitlines())
        if topic.endswith(("/event", "/state")) and payload
    ]


@pytest.mark.parametrize("command", [("run",), ("listen", "--plain")])
def test_nothing_is_told_of_the_future_and_no_mood_ends_before_it_began(
    command: tuple[str, ...], config: Path
) -> None:
    before = datetime.now(UTC)
    told = told_of_a_hasty_voice(*command, "--config", config, "--input", "-")
    after = datetime.now(UTC)
    times = [
        datetime.fromisoformat(message[name])
        for message in told
        for name in ("captured", "started", "ended", "since")
        if message.get(name)
    ]
    assert before <= min(times) <= max(times) <= after

    events = [message for message in told if message["type"] == "mood"]
    moods = list(zip(events[::2], events[1::2], strict=True))
    assert len(moods) > 1
    for began, ended in moods:
        assert (began["event_type"], ended["event_type"]) == ("started", "ended")
        assert began["mood_id"] == ended["mood_id"]
        assert began["started"] == ended["started"] <= ended["ended"]
        assert ended["duration"] > 1.0  # of sound, all of which came within the second
    for (_, ended), (began, _) in pairwise(moods):
        assert ended["ended"] <= began["started"]


def test_a_file_that_the_daemon_cannot_hear_comes_with_what_can_be_done(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f"[mqtt]\nenabled = false\n[paths]\nstate = {json.dumps(str(tmp_path))}\n"
        f"[model]\npath = {json.dumps(str(tones.BUNDLE))}\n"
    )
    file = tmp_path / "an evening.opus"
    soundfile.write(file, sine(440.0, 1.0, 48_000), 48_000, format="OGG", subtype="OPUS")
    done = subprocess.run(
        [sys.executable, "-m", "moodwire", "run", "--config", config, "--input", file],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"Error: {file}: this is Ogg; a pipe carries WAV or raw PCM. Decode it: "
        f"ffmpeg -i '{file}' -f wav - | moodwire run --input -, "
        f"or hear it once: moodwire listen --input '{file}'"
    )
