"""What the page costs: two daemons side by side hear the same sound, one serves the page.

The sound goes through FIFOs in real time, a fiftieth of a second at a time; where a daemon does
not take it in time, it is dropped and counted, as a sound card's driver would.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile

from moodwire.audio.sample import write_sample
from moodwire.audio.source import MODEL_RATE
from moodwire.benchmarks.processes import resident_bytes
from moodwire.cli.options import Span
from moodwire.cli.problems import FAULT, CommandError

PIECE_SECONDS = 0.02
VIEWERS = 20
UPLOAD_SECONDS = 600
SETTLE_SECONDS = 3.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """What a process has used so far."""

    cpu: float
    rss_mb: float


class Candidate:
    """A daemon that hears a FIFO."""

    def __init__(self, folder: Path, name: str, *, port: int | None) -> None:
        self.port = port
        self.dropped = 0.0
        folder = folder / name
        folder.mkdir()
        config = folder / "config.toml"
        page = f"[web]\nenabled = true\nport = {port}\n" if port else ""
        state = folder / "state"
        config.write_text(f'[mqtt]\nenabled = false\n[paths]\nstate = "{state}"\n{page}')
        fifo = folder / "sound"
        os.mkfifo(fifo)
        command = (
            *(sys.executable, "-P", "-m", "moodwire", "run"),
            *("--config", config, "--input", fifo),
        )
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._pipe = os.open(fifo, os.O_WRONLY)  # returns when the daemon listens
        os.set_blocking(self._pipe, False)

    def hear(self, piece: bytes) -> None:
        try:
            written = os.write(self._pipe, piece)
        except BlockingIOError:
            written = 0
        self.dropped += (len(piece) - written) / 2 / MODEL_RATE

    def cost(self) -> Cost:
        """User and system time with that of ended children; resident memory of the process."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        resident = resident_bytes([self._process.pid])
        return Cost(sum(map(int, stat[11:15])) / TICKS, resident / (1024 * 1024))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        os.close(self._pipe)


class Sound(threading.Thread):
    """Plays the sample voice to all candidates, over and over, in real time."""

    def __init__(self, voice: np.ndarray[Any, Any], candidates: list[Candidate]) -> None:
        super().__init__(daemon=True)
        step = round(PIECE_SECONDS * MODEL_RATE)
        raw = (voice * 32_767).astype("<i2")
        self._pieces = [raw[i : i + step].tobytes() for i in range(0, len(raw), step)]
        self._candidates = candidates
        self.ended = threading.Event()

    def run(self) -> None:
        began, number = time.monotonic(), 0
        while not self.ended.wait(max(0.0, began + number * PIECE_SECONDS - time.monotonic())):
            piece = self._pieces[number % len(self._pieces)]
            for candidate in self._candidates:
                candidate.hear(piece)
            number += 1


class Viewer(threading.Thread):
    """A browser that watches: reads the events and throws them away."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._connection.request("GET", "/live")
        self._response = self._connection.getresponse()
        self.events = 0

    def run(self) -> None:
        try:
            while line := self._response.readline():
                self.events += line.startswith(b"event: now")
        except (OSError, AttributeError, ValueError):
            return  # closed

    def close(self) -> None:
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)


def measure(seconds: float) -> dict[str, float | int | None]:
    """All figures; `seconds` is how long the two daemons run side by side."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_sample(folder / "voice.wav")
        voice, rate = soundfile.read(folder / "voice.wav", dtype="float32")
        assert rate == MODEL_RATE
        alone = Candidate(folder, "alone", port=None)
        stack.callback(alone.close)
        port = _free_port()
        page = Candidate(folder, "page", port=port)
        stack.callback(page.close)
        sound = Sound(voice, [alone, page])
        stack.callback(sound.join)
        stack.callback(sound.ended.set)
        sound.start()
        _wait_for(port)
        figures: dict[str, float | int | None] = dict(_beside(alone, page, port, seconds))
        figures["page_kb"] = round(sum(len(_get(port, path)) for path in _assets(port)) / 1000, 1)
        figures["first_paint_ms"] = _first_paint(port)
        figures |= _under_load(page, port, voice)
    return figures


def _beside(
    alone: Candidate, page: Candidate, port: int, seconds: float
) -> dict[str, float | int | None]:
    with _watching(port, 1) as (viewer,):
        time.sleep(SETTLE_SECONDS)
        before, events = (alone.cost(), page.cost()), viewer.events
        time.sleep(seconds)
        after = (alone.cost(), page.cost())
        seen = viewer.events - events
    used = [100 * (b.cpu - a.cpu) / seconds for a, b in zip(before, after, strict=True)]
    return {
        "rss_extra_mb": round(after[1].rss_mb - after[0].rss_mb, 1),
        "cpu_percent_alone": round(used[0], 2),
        "cpu_percent_extra": round(used[1] - used[0], 2),
        "events_per_second": round(seen / seconds, 2),
    }


def _under_load(
    page: Candidate, port: int, voice: np.ndarray[Any, Any]
) -> dict[str, float | int | None]:
    recording = io.BytesIO()
    copies = -(-UPLOAD_SECONDS * MODEL_RATE // len(voice))
    long = np.tile(voice, copies)[: UPLOAD_SECONDS * MODEL_RATE]
    soundfile.write(recording, long, MODEL_RATE, format="FLAC")
    token = _get(port, "/try").decode().split('data-csrf="', 1)[1].split('"', 1)[0]
    dropped = page.dropped
    with _watching(port, VIEWERS):
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=200)
        connection.request("POST", "/recordings", recording.getvalue(), {"X-CSRF": token})
        response = connection.getresponse()
        response.read()
        taken = time.monotonic() - began
    metrics = _get(port, "/metrics").decode()
    lost = re.search(r"^moodwire_dropped_samples_total (\S+)$", metrics, re.MULTILINE)
    assert lost is not None
    assert response.status == 200, response.status
    frames = (page.dropped - dropped + float(lost[1]) / MODEL_RATE) / PIECE_SECONDS
    return {
        "upload_audio_seconds_per_second": round(UPLOAD_SECONDS / taken, 1),
        "viewers": VIEWERS,
        "dropped_frames": round(frames),
    }


@contextmanager
def _watching(port: int, count: int) -> Iterator[list[Viewer]]:
    viewers = [Viewer(port) for _ in range(count)]
    for viewer in viewers:
        viewer.start()
    try:
        yield viewers
    finally:
        for viewer in viewers:
            viewer.close()


def _assets(port: int) -> list[str]:
    """Every page, and all that they load."""
    static = Path(__file__).parents[1] / "web" / "static"
    pages = ["/", "/try", "/history", "/settings"]
    return pages + [f"/static/{file.name}" for file in sorted(static.iterdir())]


def _first_paint(port: int) -> float | None:
    """First contentful paint in Chromium; None where there is none to measure with."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return None
    if chromium is None:
        return None
    with sync_playwright() as engine:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = engine.chromium.launch(executable_path=chromium, args=arguments)
        paints = [_paint(browser, port) for _ in range(5)]
        browser.close()
    return round(sorted(paints)[2], 1)


def _paint(browser: Any, port: int) -> float:
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{port}/")
    script = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    page.wait_for_function(script)
    paint = float(page.evaluate(script))
    page.close()
    return paint


def _get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Accept": "text/html"})
    body = connection.getresponse().read()
    connection.close()
    return body


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            _get(port, "/healthz")
        except OSError:
            time.sleep(0.1)
        else:
            return
    hint = "try `moodwire web --deaf`, which says why"
    raise CommandError(f"the daemon with the page did not start within 30 s; {hint}", FAULT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


MEANINGS = {
    "rss_extra_mb": "resident memory more than without the page",
    "cpu_percent_alone": "percent of a core: the daemon without the page, hearing a voice",
    "cpu_percent_extra": "percent of a core more, with the page and one viewer",
    "events_per_second": "what that viewer was told",
    "page_kb": "all pages with all that they load",
    "first_paint_ms": "in Chromium on this machine, median of five; - without Chromium",
    "upload_audio_seconds_per_second": f"a {UPLOAD_SECONDS} s recording, judged meanwhile",
    "viewers": "browsers that watched meanwhile",
    "dropped_frames": "frames of 20 ms that the daemon lost meanwhile",
}


@click.command()
@click.option(
    "--seconds",
    type=Span(1.0, 86_400.0),
    default=60.0,
    help="How long the two daemons run side by side.",
)
@click.option("--json", "as_json", is_flag=True, help="One object, for programs.")
def command(seconds: float, as_json: bool) -> None:
    """Runs two daemons side by side in real time, one with the page, and compares them."""
    figures = measure(seconds)
    if as_json:
        click.echo(json.dumps(figures))
        return
    for name, meaning in MEANINGS.items():
        value = "-" if figures[name] is None else figures[name]
        click.echo(f"{value:>8}  {name}: {meaning}")
