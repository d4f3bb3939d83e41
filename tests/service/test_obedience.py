"""Commands do what they say, also where the card is full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tones
from lying_bundles import change_manifest, copy_bundle

from moodwire.audio.pipe import Pipe
from moodwire.config import Config, ConfigFile
from moodwire.publish.broker import BrokerError
from moodwire.publish.commands import Mute, SetHold, SetProfile
from moodwire.service.controls import FILE_NAME, Controls
from moodwire.service.daemon import Daemon
from moodwire.service.obedience import Obedience

HOLD = "moodwire/moodwire/control/hold"
MUTE = "moodwire/moodwire/control/mute"
PROFILE = "moodwire/moodwire/control/profile"
RESULT = "moodwire/moodwire/result"
SOURCE = "moodwire/moodwire/source"


@pytest.fixture
def voice() -> Iterator[tuple[int, int]]:
    """Both ends of the pipe that the daemon hears."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def make_daemon(tmp_path: Path, voice: tuple[int, int]) -> Callable[..., Daemon]:
    """To be made in the test itself: it keeps the console that it finds."""

    def make(bundle: Path = tones.BUNDLE) -> Daemon:
        text = f'[mqtt]\nenabled = false\n[model]\npath = "{bundle}"\n'
        controls = Controls.read(ConfigFile(text), tmp_path)
        return Daemon(controls, controls.config(), input_pipe=Pipe(voice[0]))

    return make


def test_a_mute_counts_on_a_full_card_and_can_be_lifted(
    tmp_path: Path, make_daemon: Callable[..., Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / f"{FILE_NAME}.new").mkdir()  # nothing can be written there
    daemon = make_daemon()
    daemon.monitor.start(muted=False)

    def told(muted: bool) -> dict[str, str]:
        capsys.readouterr()
        daemon.obedience.obey(Mute(muted))
        return told_since(capsys)

    closed = told(True)
    assert (closed[SOURCE], closed[MUTE]) == ("muted", "ON")
    answer = json.loads(closed[RESULT])
    assert not answer["ok"]
    assert "cannot be kept for the next start" in answer["detail"]

    opened = told(False)
    assert (opened[SOURCE], opened[MUTE]) == ("starting", "OFF")
    daemon.monitor.stop()


def test_what_is_said_into_a_pipe_during_a_mute_is_never_heard(
    make_daemon: Callable[..., Daemon], voice: tuple[int, int]
) -> None:
    daemon = make_daemon()
    daemon.monitor.start(muted=False)
    os.write(voice[1], pcm(0.0))
    ear = daemon.monitor.ear
    assert ear.take(time.monotonic())
    daemon.obedience.obey(Mute(True))
    os.write(voice[1], pcm(0.5) + b"\x40")  # and the half of a sample
    daemon.obedience.obey(Mute(False))
    os.write(voice[1], b"\x00" + pcm(0.0) * 2)
    blocks = ear.take(time.monotonic())
    assert blocks
    assert max(np.abs(block.samples).max() for block in blocks) < 0.01
    daemon.monitor.stop()


def test_a_command_outlives_a_configuration_that_became_unusable(
    make_daemon: Callable[..., Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    def apply(_: Config) -> None:
        raise BrokerError("mqtt.password_file cannot be read")

    daemon = make_daemon()
    obedience = Obedience(daemon.controls, daemon.monitor, apply, restart=lambda: None)
    obedience.obey(SetHold(5.0))
    answer = json.loads(told_since(capsys)[RESULT])
    assert not answer["ok"]
    assert "mqtt.password_file" in answer["detail"]


def test_a_profile_that_the_model_refuses_does_not_come_back_with_the_next_start(
    tmp_path: Path, make_daemon: Callable[..., Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    calm = copy_bundle(tmp_path / "calm")
    labels = ["calm" if each == "angry" else each for each in tones.HERTZ]
    change_manifest(calm, lambda manifest: manifest.update(labels=labels))
    daemon = make_daemon(calm)
    daemon.obedience.obey(SetHold(7.0))
    capsys.readouterr()
    daemon.obedience.obey(SetProfile("car"))
    answer = json.loads(told_since(capsys)[RESULT])
    assert not answer["ok"]
    assert "'angry-driver'" in answer["detail"]
    again = make_daemon(calm)
    again.obedience.tell_controls()
    told = told_since(capsys)
    assert (told[PROFILE], told[HOLD]) == ("home", "7")


STARTED = """
import os, signal, sys
from pathlib import Path
from moodwire.config import ConfigFile
from moodwire.model.greeting import borrowed_error_output
from moodwire.publish.commands import Restart
from moodwire.service.controls import Controls
from moodwire.service.daemon import Daemon

text = f'mqtt.enabled = false\\nmicrophone.mute = true\\nmodel.path = "{sys.argv[1]}"'
controls = Controls.read(ConfigFile(text), Path(sys.argv[2]))
daemon = Daemon(controls, controls.config())
daemon.obedience.obey(Restart())
"""

RESTARTED = """
os.execv = lambda *_: sys.exit(0 if borrowed_error_output.locked() else 1)
daemon.run()
sys.exit("it went on")
"""

TERMINATED = """
os.execv = lambda *_: sys.exit("it started anew")
daemon.monitor.parts.link.stop = lambda _: signal.raise_signal(signal.SIGTERM)
daemon.run()
"""


@pytest.mark.parametrize("then", [RESTARTED, TERMINATED])
def test_a_program_that_starts_anew(tmp_path: Path, then: str) -> None:
    """It waits for its own error output, which a self-test may have borrowed; and it ends where it
    is told to meanwhile. In a process, for it keeps its signals."""
    command = [sys.executable, "-c", STARTED + then, str(tones.BUNDLE), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def pcm(level: float) -> bytes:
    """Half a second."""
    return np.full(8_000, round(level * 32_767), dtype="<i2").tobytes()


def told_since(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in capsys.readouterr().out.splitlines())
