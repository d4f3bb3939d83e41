"""The same topics and payloads as over MQTT, as lines: for `moodwire` without a broker."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable

from moodwire.publish.publication import Counters, Publication


class Console:
    """Prints `topic payload`; an empty payload is a value that is no longer known."""

    def __init__(self) -> None:
        self._stream = sys.stdout
        self._lock = threading.Lock()

    connected = False
    counters = Counters()

    def start(self) -> None:
        """Nothing to open."""

    def publish(self, publications: Iterable[Publication]) -> None:
        lines = [f"{item.topic} {item.payload.decode()}\n" for item in publications]
        if lines:
            with self._lock:
                self._stream.write("".join(lines))
                self._stream.flush()

    def stop(self, timeout: float) -> None:
        """Nothing waits."""
