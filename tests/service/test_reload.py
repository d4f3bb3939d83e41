"""What another configuration changes at once, and of what it is said that a restart is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import tones

from moodwire.audio.pipe import Pipe
from moodwire.config import ConfigFile, History, Paths, Section, Web
from moodwire.service.controls import Controls
from moodwire.service.daemon import Daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    text = f'[mqtt]\nenabled = false\n[model]\npath = "{tones.BUNDLE}"\n'
    controls = Controls.read(ConfigFile(text), tmp_path)
    daemon = Daemon(controls, controls.config(), input_pipe=Pipe())
    yield daemon
    daemon.monitor.stop()


@pytest.mark.parametrize("other", [Web(port=0), History(keep_days=7), Paths(state="elsewhere")])
def test_what_waits_for_a_restart_is_told_as_it_is(
    daemon: Daemon, caplog: pytest.LogCaptureFixture, other: Section
) -> None:
    before = daemon.controls.config()
    daemon.apply(msgspec.structs.replace(before, **{type(other).__name__.lower(): other}))
    assert daemon.monitor.parts.config == before
    (said,) = caplog.messages
    assert said.endswith("take effect when the daemon is restarted")
