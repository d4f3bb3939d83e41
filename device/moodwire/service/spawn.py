"""The capture process, which is started before numpy loads: both take their time."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict

from moodwire.audio.capture import Order
from moodwire.config import Config

Capture = subprocess.Popen[bytes]


def spawn_capture(config: Config) -> Capture:
    """It opens the microphone, and waits to be told how much to hand on at once."""
    order = Order(config.microphone.name, config.microphone.channel)
    command = [sys.executable, "-P", "-m", "moodwire.audio.capture", json.dumps(asdict(order))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
