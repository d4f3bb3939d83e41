"""The page of the real daemon, which hears real sound through a pipe."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
from broker import WAIT_SECONDS, free_port
from kitchen import wait_until
from prometheus_client.parser import text_string_to_metric_families

from moodwire.audio.sample import sample_recording
from moodwire.config import Config, Mqtt
from moodwire.web import daemon_page

ROOT = Path(__file__).parents[2]
# Four times as fast as it was spoken: what comes in one burst has lasted no time.
BLOCK, PAUSE = 8_000, 0.0625  # bytes, seconds
DASHBOARD = ROOT / "firmware_config" / "grafana" / "moodwire.json"
SCHEMA = Path(__file__).with_name("grafana_dashboard.schema.json")


class RunningDaemon:
    """`moodwire run` with a page, fed through a FIFO that stays open."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.state = folder / "state"
        self.config = folder / "config.toml"
        self.configure()
        self.fifo = folder / "sound"
        os.mkfifo(self.fifo)
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "moodwire", "run"),
                    *("--config", self.config, "--input", self.fifo),
                ],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.spoken = threading.Event()
        self._end = threading.Event()
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._feeder.start()

    def _feed(self) -> None:
        """The voice again and again: a pipe in which nothing comes is stalled soon."""
        sound = (32_767 * sample_recording()).astype("<i2").tobytes()
        with self.fifo.open("wb", buffering=0) as pipe:
            with contextlib.suppress(BrokenPipeError):  # it was muted
                while not self._end.is_set():
                    for start in range(0, len(sound), BLOCK):
                        pipe.write(sound[start : start + BLOCK])
                        self._end.wait(PAUSE)
                    self.spoken.set()
            self._end.wait()

    def configure(self, *, keep_days: int = 90, hold: float = 3.0) -> None:
        self.config.write_text(
            f'[mqtt]\nenabled = false\n[paths]\nstate = "{self.state}"\n'
            f"[web]\nenabled = true\nport = {self.port}\n"
            f"[history]\nenabled = true\nwrite_every = 10.0\nkeep_days = {keep_days}\n"
            f"[decision]\nhold = {hold}\n"
        )

    def told(self, words: str) -> int:
        """How often the log says so."""
        return self._log.read_text().count(words)

    def reload(self) -> None:
        before = self.told("was read anew")
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.told("was read anew") > before)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(WAIT_SECONDS)
        self._end.set()
        self._feeder.join()
        return code

    def ask(self, path: str, method: str = "GET", body: str | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        connection.request(method, path, body, {"Accept": "text/html"})
        response = connection.getresponse()
        answer = response.status, response.read().decode()
        connection.close()
        return answer

    def events(self):
        """What the page is told, as it is told."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        connection.request("GET", "/live")
        response = connection.getresponse()
        name = ""
        while line := response.readline().decode().rstrip("\n") or " ":
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield name, json.loads(line[6:])

    def wait_for(self, wanted) -> dict:
        for name, value in self.events():
            if name == "now" and wanted(value):
                return value
        raise AssertionError("the stream of events ended")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    running = RunningDaemon(tmp_path_factory.mktemp("daemon"))
    for line in iter(lambda: running.process.poll(), 0):
        try:
            running.ask("/healthz")
            break
        except ConnectionRefusedError:
            assert line is None, "the daemon ended"
            threading.Event().wait(0.1)
    yield running
    if running.process.poll() is None:
        running.stop()


def test_the_voice_is_seen_on_the_page(daemon):
    shown = daemon.wait_for(lambda now: now["mood"] not in (None, "quiet"))
    assert shown["source"] == "live"
    assert ("broker", "not used") in itertools.islice(daemon.events(), 3)


def scrape(daemon) -> dict[str, float]:
    families = text_string_to_metric_families(daemon.ask("/metrics")[1])
    return {
        sample.name + "".join(f"{{{v}}}" for v in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_metrics_count_what_happened(daemon):
    wait_until(lambda: scrape(daemon)["moodwire_inference_seconds_count"] > 10)
    found = scrape(daemon)
    assert found["moodwire_frames_total"] > 60
    assert found["moodwire_inferences_total"] > 0
    assert found["moodwire_inference_seconds_bucket{+Inf}"] > 0
    assert (
        found["moodwire_inference_seconds_count"]
        == found["moodwire_inference_seconds_bucket{+Inf}"]
    )
    assert found["moodwire_speech_gate_openings_total"] >= 1
    assert found["moodwire_source_state{live}"] == 1
    assert found["moodwire_dropped_samples_total"] == 0
    assert found["moodwire_mqtt_connected"] == 0  # none is to be used


def test_the_dashboard_asks_only_for_metrics_that_there_are(daemon):
    dashboard = json.loads(DASHBOARD.read_text())
    jsonschema.validate(dashboard, json.loads(SCHEMA.read_text()))
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"moodwire_\w+", target["expr"])
    }
    there = {re.sub(r"\{.*", "", name) for name in scrape(daemon)}
    # a machine without a thermal sensor has no temperature to tell
    assert asked - there - {"moodwire_cpu_temperature_celsius"} == set()
    assert len(asked) >= 10


def test_the_page_says_what_is_in_force_not_what_a_restart_would_bring(daemon):
    daemon.configure(keep_days=7, hold=4.5)
    daemon.reload()
    settings = daemon.ask("/settings")[1]
    assert re.search(r"\bhold = 4.5\b", settings)
    assert re.search(r"\bkeep_days = 90\b", settings)
    assert "Kept for 90 days." in daemon.ask("/history")[1]
    daemon.reload()  # says nothing new
    daemon.configure()
    daemon.reload()
    assert daemon.told("take effect when the daemon is restarted") == 1


def test_the_page_mutes_the_real_microphone(daemon):
    assert daemon.spoken.wait(WAIT_SECONDS)  # the next test wants to have heard something
    token = daemon.ask("/settings")[1].split('data-csrf="', 1)[1].split('"', 1)[0]
    form = urllib.parse.urlencode({"csrf": token, "muted": "yes"})
    assert daemon.ask("/mute", "POST", form)[0] == 303
    assert "The microphone is muted." in daemon.ask("/settings")[1]  # where the answer leads
    shown = daemon.wait_for(lambda now: now["source"] == "muted")
    assert shown["mood"] is None
    assert daemon.ask("/healthz") == (200, "ok\n")  # muted on purpose is healthy
    assert scrape(daemon)["moodwire_source_state{muted}"] == 1


def monitor_with(config: Config) -> SimpleNamespace:
    parts = SimpleNamespace(
        config=config,
        bundle=SimpleNamespace(labels=()),
        link=SimpleNamespace(connected=False),
    )
    return SimpleNamespace(parts=parts, source="live")


@pytest.mark.parametrize(("enabled", "broker"), [(True, "hub.home"), (False, None)])
def test_the_page_knows_whom_the_daemon_tells(monkeypatch, enabled, broker):
    monkeypatch.setattr(daemon_page, "WebServer", lambda host: None)
    monitor = monitor_with(Config(mqtt=Mqtt(enabled=enabled, host="hub.home")))
    assert daemon_page.DaemonPage(monitor, print, None, None).broker == broker


def test_the_answer_to_mute_waits_until_the_loop_has_done_it(monkeypatch):
    monkeypatch.setattr(daemon_page, "WebServer", lambda host: None)
    monkeypatch.setattr(daemon_page, "OBEY_SECONDS", WAIT_SECONDS)
    monitor = monitor_with(Config())
    asked = []
    page = daemon_page.DaemonPage(monitor, asked.append, None, None)
    answer = threading.Thread(target=page.mute, args=(True,), daemon=True)
    answer.start()
    wait_until(lambda: asked)
    answer.join(0.3)
    assert answer.is_alive()
    monitor.source = "muted"
    page.source("muted")
    answer.join(WAIT_SECONDS / 2)
    assert not answer.is_alive()


def test_stopping_writes_the_history(daemon):
    assert daemon.stop() == 0
    told = subprocess.run(
        [
            *(sys.executable, "-m", "moodwire", "history", "--json"),
            *("--file", daemon.state / "history.sqlite"),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert sum(row["seconds"] for row in json.loads(told)) > 1.0
