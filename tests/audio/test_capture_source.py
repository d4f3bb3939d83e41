"""What the capture process writes, as chunks; the real process is in test_microphone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from itertools import groupby
from time import monotonic

import numpy as np
import pytest
from captured import OPENED, failure, packet, packets

from moodwire.audio.capture_source import CaptureSource
from moodwire.audio.source import SourceError
from moodwire.audio.spawn import Capture


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


def test_a_microphone_that_gives_nothing_is_stalled(
    capture: Callable[..., list[Capture]],
) -> None:
    capture(OPENED + packet(1_600, monotonic() - 3.0))
    with closing(CaptureSource()) as source:
        assert (source.read(10.0) is None, source.state) == (False, "live")
        assert (source.read(0.0) is None, source.state) == (True, "stalled")


def test_what_was_heard_comes_before_why_it_ended(capture: Callable[..., list[Capture]]) -> None:
    capture(OPENED + packet(1_600, 7.1) + failure("no more", 7.2), ends=True)
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


def test_a_microphone_is_believed_when_the_daemon_believes_it(
    capture: Callable[..., list[Capture]],
) -> None:
    zeros, sound = np.zeros(6 * 16_000), np.full(1_600, 0.1)
    capture(OPENED + packets(np.concatenate([zeros, sound, zeros]), 7.0))
    with closing(CaptureSource()) as source:
        seen = [(source.read(10.0), source.state, source.is_silent)[1:] for _ in range(121)]
    turns = [turn for turn, _ in groupby(seen)]
    assert turns == [
        ("starting", False), ("starting", True), ("live", False), ("silent", True),
    ]  # fmt: skip
    assert seen.index(("starting", True)) == seen.index(("silent", True)) - 61 == 50
