"""Commands do what they say, also where the card is full."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import tones

from moodwire.config import parse_config
from moodwire.publish.commands import Mute
from moodwire.service.controls import FILE_NAME, Controls
from moodwire.service.daemon import Daemon
from moodwire.service.obedience import Obedience

MUTE = "moodwire/moodwire/control/mute"
RESULT = "moodwire/moodwire/result"
SOURCE = "moodwire/moodwire/source"


def test_a_mute_counts_on_a_full_card_and_can_be_lifted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / f"{FILE_NAME}.new").mkdir()  # nothing can be written there
    text = f'[mqtt]\nenabled = false\n[model]\npath = "{tones.BUNDLE}"\n'
    controls = Controls.read(lambda profile: parse_config(text, profile=profile), tmp_path)
    sound, voice = os.pipe()
    daemon = Daemon(controls, controls.config(), input_pipe=sound)
    obedience = Obedience(controls, daemon.monitor, daemon.apply, restart=lambda: None)
    daemon.monitor.start(muted=False)

    def told(muted: bool) -> dict[str, str]:
        capsys.readouterr()
        obedience.obey(Mute(muted))
        return dict(line.split(" ", 1) for line in capsys.readouterr().out.splitlines())

    closed = told(True)
    assert (closed[SOURCE], closed[MUTE]) == ("muted", "ON")
    answer = json.loads(closed[RESULT])
    assert not answer["ok"]
    assert "cannot be kept for the next start" in answer["detail"]

    opened = told(False)
    assert (opened[SOURCE], opened[MUTE]) == ("starting", "OFF")
    daemon.monitor.stop()
    os.close(voice)
