"""What the capture process writes, as chunks; the real process is in test_microphone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing

import numpy as np
import pytest

from moodwire.audio import capture_source
from moodwire.audio.capture import FAILURE, HEADER, SAMPLES
from moodwire.audio.capture_source import CaptureSource
from moodwire.audio.source import SourceError
from moodwire.audio.spawn import Capture

OPENED = b'{"name": "mic", "rate": 16000, "channels": 1}\n'


@pytest.fixture
def capture(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Capture]]:
    """Instead of the capture process, one that writes this, and then perhaps ends."""

    def set_up(data: bytes, *, ends: bool = False) -> list[Capture]:
        spawned: list[Capture] = []
        program = f"import sys; sys.stdout.buffer.write({data!r}); sys.stdout.flush()"
        if not ends:
            program += "; sys.stdin.read()"

        def spawn(device: str, channel: int) -> Capture:
            command, pipe = [sys.executable, "-c", program], subprocess.PIPE
            spawned.append(subprocess.Popen(command, stdin=pipe, stdout=pipe))
            return spawned[-1]

        monkeypatch.setattr(capture_source, "spawn_capture", spawn)
        return spawned

    return set_up


def packet(count: int, end: float, lost: bool = False) -> bytes:
    payload = np.full(count, 16_384, "<i2").tobytes()
    return HEADER.pack(SAMPLES, lost, len(payload), end) + payload


def test_a_gap_is_told_and_moves_time_and_position(capture: Callable[..., list[Capture]]) -> None:
    capture(OPENED + packet(1_600, 7.1) + packet(1_600, 7.2) + packet(1_600, 9.3, lost=True))
    with closing(CaptureSource()) as source:
        assert (source.name, source.native_rate) == ("mic", 16_000)
        chunks = [source.read(10.0) for _ in range(3)]
        assert source.read(0.0) is None and not source.finished
    assert all(chunk and (chunk.samples == 0.5).all() for chunk in chunks)
    told = [(chunk.position, chunk.time, chunk.after_gap) for chunk in chunks if chunk]
    assert told == [
        (0, pytest.approx(7.0), False),
        (1_600, pytest.approx(7.1), False),
        (3_200 + 32_000, pytest.approx(9.2), True),
    ]


def test_what_was_heard_comes_before_why_it_ended(capture: Callable[..., list[Capture]]) -> None:
    capture(OPENED + packet(1_600, 7.1) + HEADER.pack(FAILURE, 0, 7, 7.2) + b"no more", ends=True)
    with closing(CaptureSource()) as source:
        assert source.read(10.0)
        assert not source.finished
        with pytest.raises(SourceError, match="mic: the microphone went away: no more"):
            source.read(10.0)
        assert source.finished
        assert source.read(0.0) is None


def test_a_process_that_opens_nothing_is_ended(capture: Callable[..., list[Capture]]) -> None:
    processes = capture(b"")
    with pytest.raises(SourceError, match="opening the default microphone did not end within 1 s"):
        CaptureSource(patience=1.0)
    assert processes[0].returncode is not None
