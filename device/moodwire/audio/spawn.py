"""The capture process, which is started before numpy loads: both take their time."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict

from moodwire.audio.capture import Order

Capture = subprocess.Popen[bytes]


def spawn_capture(device: str, channel: int) -> Capture:
    """It opens the microphone, and waits to be told how much to hand on at once."""
    order = json.dumps(asdict(Order(device, channel)))
    command = [sys.executable, "-P", "-m", "moodwire.audio.capture", order]
    # in a process group of its own: Ctrl-C is for who hears, and that one ends this
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0)
