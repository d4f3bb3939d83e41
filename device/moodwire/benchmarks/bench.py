"""Daemons that are measured: made as `moodwire run` makes them, with a sink for a broker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from moodwire.benchmarks.processes import cpu_seconds, process_tree, resident_bytes
from moodwire.benchmarks.sink import Sink
from moodwire.threads import THREAD_LIMITS

SOURCE: Final = "moodwire/bench/source"
START_TIMEOUT: Final = 60.0

FIRST_SECOND: Final = 32_000
"""Bytes."""

SETTLE_SECONDS: Final = 8.0
"""After the first sound, until starting is over and the daemon costs what it always costs."""


@dataclass(frozen=True)
class Cost:
    """Of a daemon that has settled, with its capture process."""

    cpu_percent: float
    rss_mb: float
    figures: dict[str, Any]
    """What it measured itself."""


@dataclass(frozen=True)
class Start:
    """From the start of the process until it told that it hears."""

    seconds: float
    cpu_seconds: float
    """What it takes on a core of its own, however busy the machine was."""


class Bench:
    """Everything that the daemons need lies in `folder`."""

    def __init__(self, folder: Path, microphone: str | None) -> None:
        self.folder = folder
        self.sink = Sink()
        self._config = folder / "config.toml"
        self._config.write_text(
            f'[device]\nid = "bench"\n[mqtt]\nhost = "127.0.0.1"\nport = {self.sink.port}\n'
            f"[microphone]\nname = {json.dumps(microphone or '')}\n"
            f"[paths]\nstate = {json.dumps(str(folder))}\n"
        )

    def all_of(self, recording: Path) -> dict[str, Any]:
        """As fast as it goes, to the end."""
        with self._daemon(*self._playing(recording, "fast")) as process:
            return _figures(process)

    def in_real_time(self, recording: Path, seconds: float) -> Cost:
        with self._daemon(*self._playing(recording, "real")) as process:
            self._wait_for_sound()
            return self._cost(process, seconds)

    def hearing(self, seconds: float) -> Cost:
        """With the real microphone."""
        with self._daemon("moodwire", "run", "--config", str(self._config)) as process:
            self._wait_for_sound()
            return self._cost(process, seconds)

    def start(self, recording: Path | None) -> Start:
        """Of `moodwire run`, given the first second of a recording; None: the microphone."""
        began = time.monotonic()
        command = ["moodwire", "run", "--config", str(self._config)]
        if recording is not None:
            command += ["--input", "-"]
        with self._daemon(*command) as process:
            if recording is not None:
                assert process.stdin is not None
                process.stdin.write(recording.read_bytes()[:FIRST_SECOND])
                process.stdin.flush()
            heard = self._wait_for_sound()
            return Start(heard - began, cpu_seconds(process_tree(process.pid)))

    def _playing(self, recording: Path, pace: str) -> list[str]:
        return ["moodwire.benchmarks.played", str(self._config), str(recording), pace]

    @contextmanager
    def _daemon(self, module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        self.sink.forget()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={key: value for key, value in os.environ.items() if key not in THREAD_LIMITS},
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait()

    def _wait_for_sound(self) -> float:
        return self.sink.when(SOURCE, b"live", START_TIMEOUT)

    def _cost(self, process: subprocess.Popen[bytes], seconds: float) -> Cost:
        time.sleep(SETTLE_SECONDS)
        pids = process_tree(process.pid)
        began, before = time.monotonic(), cpu_seconds(pids)
        time.sleep(seconds)
        spent, lasted = cpu_seconds(pids) - before, time.monotonic() - began
        memory = resident_bytes(pids) / 1e6
        process.terminate()
        return Cost(100 * spent / lasted, memory, _figures(process))


def _figures(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    out, _ = process.communicate()
    found: dict[str, Any] = json.loads(out) if out.startswith(b"{") else {}
    return found
