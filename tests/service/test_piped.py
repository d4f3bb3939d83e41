"""A pipe has no clock: samples say how long, their arrival says when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tones

from moodwire.audio.capture import Sizes
from moodwire.audio.sample import sample_recording
from moodwire.service import piped
from moodwire.service.piped import PipedStream
from moodwire.service.stream import Block

HOP = 1_600  # a tenth of a second
SECONDS = HOP / 16_000


class Writer:
    """Writes hops at moments of a made-up clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(piped, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.read_end, self._write_end = os.pipe()
        self._stream = PipedStream(self.read_end, Sizes(first=HOP, block=HOP), 0, "pipe")

    def writes(self, hops: int, every: float) -> list[Block]:
        """So many, one after the other; returns what was made of them."""
        found = []
        for _ in range(hops):
            self.now += every
            os.write(self._write_end, np.ones(HOP, dtype="<i2").tobytes())
            found += self._stream.take()
        assert len(found) == hops
        return found

    def close(self) -> None:
        os.close(self.read_end)
        os.close(self._write_end)


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    found = Writer(monkeypatch)
    yield found
    found.close()


def came(block: Block) -> float:
    """The end of the block, on the clock that people see."""
    return block.time + SECONDS - block.ahead


def test_a_writer_in_real_time_moves_no_time(writer: Writer) -> None:
    blocks = writer.writes(100, SECONDS)
    assert [came(block) for block in blocks] == pytest.approx([block.complete for block in blocks])
    assert not any(block.ahead or block.after_gap for block in blocks)


def test_a_fast_writer_makes_nothing_of_the_future_and_durations_count_samples(
    writer: Writer,
) -> None:
    blocks = writer.writes(10, SECONDS) + writer.writes(300, 0.001)
    assert np.diff([block.time for block in blocks]) == pytest.approx(SECONDS)
    assert all(came(block) <= block.complete + piped.STEADY_SECONDS for block in blocks)
    assert blocks[-1].ahead == pytest.approx(300 * (SECONDS - 0.001), abs=piped.STEADY_SECONDS)
    assert not any(block.after_gap for block in blocks)


def test_a_short_pause_is_caught_up_with_and_a_long_one_is_a_gap(writer: Writer) -> None:
    writer.writes(20, SECONDS)
    assert not writer.writes(1, 2.0)[0].after_gap
    writer.writes(30, 0.01)
    (after,) = writer.writes(1, 60.0)
    assert after.after_gap
    assert came(after) == pytest.approx(writer.now, abs=piped.STEADY_SECONDS)


def test_a_long_pause_after_haste_does_not_turn_time_back(writer: Writer) -> None:
    hasty = writer.writes(300, 0.001)  # half a minute in no time
    (after,) = writer.writes(1, 20.0)
    assert after.after_gap
    assert after.time >= hasty[-1].time + SECONDS - 1e-6
    assert came(after) == pytest.approx(writer.now, abs=piped.STEADY_SECONDS)


def test_the_daemon_tells_no_event_of_the_future(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f"[mqtt]\nenabled = false\n[paths]\nstate = {json.dumps(str(tmp_path))}\n"
        f"[model]\npath = {json.dumps(str(tones.BUNDLE))}\n"
    )
    raw = (32_767 * sample_recording()).astype("<i2").tobytes()
    done = subprocess.run(
        [sys.executable, "-m", "moodwire", "run", "--config", config, "--input", "-"],
        input=raw, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ended = datetime.now(UTC)
    told = [
        json.loads(payload)
        for topic, _, payload in (line.partition(" ") for line in done.stdout.decode().splitlines())
        if topic.endswith(("/event", "/state")) and payload
    ]
    times = [
        datetime.fromisoformat(message[name])
        for message in told
        for name in ("captured", "since")
        if message.get(name)
    ]
    assert times
    assert max(times) <= ended
