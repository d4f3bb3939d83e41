"""Who follows the loop is told what a source hears, and nothing of one that hears nothing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tones

from moodwire.audio.pipe import Pipe
from moodwire.config import ConfigFile
from moodwire.decision.observation import Observation
from moodwire.events import SourceState
from moodwire.service import watchdog
from moodwire.service.controls import Controls
from moodwire.service.daemon import Daemon
from moodwire.service.monitor import Monitor

SECOND = 16_000


class Follower:
    """As the history and the page are told."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []
        self.states: list[SourceState] = []

    def observe(self, observation: Observation) -> None:
        self.observations.append(observation)

    def source(self, state: SourceState) -> None:
        self.states.append(state)


def monitor_of(tmp_path: Path, pipe: Pipe) -> Monitor:
    controls = Controls.read(
        ConfigFile(f'[mqtt]\nenabled = false\n[model]\npath = "{tones.BUNDLE}"\n'), tmp_path
    )
    return Daemon(controls, controls.config(), input_pipe=pipe, ends_with_source=True).monitor


def follow(tmp_path: Path, samples: np.ndarray) -> Follower:
    """What is told of a pipe that carries this and ends."""
    reading, writing = os.pipe()
    os.write(writing, (samples * 32_767).astype("<i2").tobytes())
    os.close(writing)
    monitor = monitor_of(tmp_path, Pipe(reading))
    follower = Follower()
    monitor.followers.append(follower)
    monitor.start(muted=False)
    monitor.run()
    monitor.stop()
    os.close(reading)
    return follower


def test_a_room_is_heard(tmp_path: Path) -> None:
    told = follow(tmp_path, 0.003 * np.random.default_rng(0).standard_normal(SECOND))
    assert told.states == ["starting", "live", "lost"]
    assert len(told.observations) == pytest.approx(4, abs=1)


@pytest.mark.parametrize("watched", [False, True])
def test_only_who_is_watched_says_that_it_goes_hungry(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    watched: bool,
) -> None:
    """Elsewhere nothing follows from it: a week without a microphone would be 30000 such lines."""
    for patience in ("GRACE_SECONDS", "RECOVERY_SECONDS"):
        monkeypatch.setattr(watchdog, patience, 0.0)
    if watched:
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    follow(tmp_path, np.zeros(SECOND))
    assert ("not fed" in caplog.text) == watched


def test_a_start_without_a_microphone_to_hear_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Else the log of a device that was muted months ago says that it runs, and nothing more."""
    caplog.set_level("INFO")
    monitor = monitor_of(tmp_path, Pipe())
    monitor.start(muted=True)
    monitor.stop()
    assert "source is muted (was starting)" in caplog.messages


def test_zeros_from_the_beginning_are_not_a_quiet_room(tmp_path: Path) -> None:
    """Or a history would say, for as long as a microphone is switched off, that it listened."""
    told = follow(tmp_path, np.zeros(SECOND))
    assert told.states == ["starting", "lost"]
    assert told.observations == []
