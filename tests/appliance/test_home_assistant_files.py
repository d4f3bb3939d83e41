"""The dashboard and the blueprint: their entities are announced, Home Assistant accepts them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from moodwire.config import Config, Device
from moodwire.publish.hardware import Hardware
from moodwire.publish.homeassistant import Discovery
from moodwire.publish.topics import Topics

REPOSITORY = Path(__file__).parents[2]
FILES = REPOSITORY / "firmware_config/homeassistant"
ASSISTANT = Path(os.environ.get("MOODWIRE_HOME_ASSISTANT", REPOSITORY / ".cache/homeassistant"))

ENTITY = re.compile(r"\b(?:sensor|binary_sensor|switch|number|select|button|event)\.kitchen\w*")

CONFIGURATION = """\
homeassistant:
automation:
  - alias: Shouting in the kitchen
    use_blueprint:
      path: moodwire/mood_alert.yaml
      input:
        mood_event: event.kitchen_mood_event
        moods: [angry]
        actions:
          - event: shouting
lovelace:
  dashboards:
    moods-page:
      mode: yaml
      title: Moods
      filename: dashboard.yaml
"""


def announced() -> set[str]:
    config = Config(device=Device(id="kitchen", name="Kitchen"))
    discovery = Discovery(config, Topics("moodwire", "kitchen"), ("angry",), Hardware("Pi"))
    message = msgspec.json.decode(discovery.announcement().payload)
    return {part["default_entity_id"] for part in message["components"].values() if len(part) > 1}


def test_every_entity_of_the_dashboard_is_announced() -> None:
    named = set(ENTITY.findall((FILES / "dashboard.yaml").read_text()))

    assert "sensor.kitchen" in named
    assert named <= announced()


@pytest.mark.homeassistant
def test_home_assistant_accepts_the_blueprint(tmp_path: Path) -> None:
    hass = ASSISTANT / "bin/hass"
    if not hass.exists():
        pytest.skip("Home Assistant is not installed: tests/fixtures/install_home_assistant.sh")
    target = tmp_path / "blueprints/automation/moodwire/mood_alert.yaml"
    target.parent.mkdir(parents=True)
    shutil.copy(FILES / "blueprints/mood_alert.yaml", target)
    shutil.copy(FILES / "dashboard.yaml", tmp_path)
    (tmp_path / "configuration.yaml").write_text(CONFIGURATION)

    done = subprocess.run(
        [hass, "--script", "check_config", "--config", tmp_path],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    told = done.stdout + done.stderr
    assert not re.search(r"(?i)invalid|error|failed", told), told
