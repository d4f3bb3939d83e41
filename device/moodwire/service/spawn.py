"""What has to be done before numpy loads: limit its threads, and start the capture process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict

from moodwire.audio.capture import Order
from moodwire.config import Config

Capture = subprocess.Popen[bytes]

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def limit_threads() -> None:
    """To one: the work is small, and helpers that wait by spinning cost more than they help."""
    for name in THREAD_LIMITS:
        os.environ.setdefault(name, "1")


def spawn_capture(config: Config) -> Capture:
    """It opens the microphone, and waits to be told how much to hand on at once."""
    order = Order(config.microphone.name, config.microphone.channel)
    command = [sys.executable, "-P", "-m", "moodwire.audio.capture", json.dumps(asdict(order))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
