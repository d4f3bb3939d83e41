"""`moodwire watch` as a person runs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from broker import WAIT_SECONDS, Subscriber, free_port
from kitchen import ROOT, config_for, wait_until
from rotten import ROTTEN

from moodwire.cli.watch import Watcher
from moodwire.publish.reading import Reader

WATCH = [sys.executable, "-m", "moodwire", "watch"]


def watch(broker, *options: str) -> subprocess.Popen:
    where = ["--host", broker.host, "--port", str(broker.port)]
    return subprocess.Popen(
        [*WATCH, *where, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.broker
def test_it_prints_what_devices_say_through_a_restart_of_the_broker(broker, make_device):
    with Subscriber(broker) as heard:
        device = make_device(config_for(broker))
        device.live()
        device.connected()
        device.say("happy")
        heard.topic(f"{ROOT}/event")
        watching = watch(broker, "--count", "5")
        lines = [watching.stdout.readline()]
        broker.stop()
        broker.start()
        wait_until(lambda: broker.log.count("as moodwire-watch") >= 2)
        device.connected()
        device.say("sad")
        lines += watching.stdout
    assert watching.wait(WAIT_SECONDS) == 0
    assert "kitchen  is online" in {line.rstrip().split("  ", 1)[1] for line in lines}
    assert "trying again" in watching.stderr.read()


@pytest.mark.broker
def test_json_leaves_nothing_out(broker, make_device):
    with Subscriber(broker) as heard:
        device = make_device(config_for(broker))
        device.live()
        device.say("sad")
        heard.wait(lambda m: m.topic == f"{ROOT}/state" and b'"source":"live"' in m.payload)
    out, _ = watch(broker, "--json", "--device", "kitchen", "--count", "6").communicate()
    told = {each["topic"]: each for each in map(json.loads, out.splitlines())}
    assert told[f"{ROOT}/availability"]["payload"] == "online"
    assert told[f"{ROOT}/state"]["payload"]["source"] == "live"
    assert all(each["retained"] for each in told.values())


def test_no_broker_is_said_in_words_with_its_own_exit_code():
    port = str(free_port())
    ended = subprocess.run(
        [*WATCH, "--host", "127.0.0.1", "--port", port], capture_output=True, text=True
    )
    assert ended.returncode == 6
    assert "nothing listens there" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_strangers_write_does_no_harm(capsys):
    reader = Reader("moodwire")
    assert "\x1b" not in (reader.line("moodwire/a/mood", b"\x1b[2Jangry\xff") or "")
    assert "cannot be read" in (reader.line("moodwire/a/event", b'{"id": []}') or "")
    assert "cannot be read" in (reader.line("moodwire/a/health", b"[1]") or "")
    huge = b'{"uptime": 1' + b"0" * 400 + b', "inference_p95_ms": null}'
    assert "cannot be read" in (reader.line("moodwire/a/health", huge) or "")
    for text in ROTTEN.values():
        assert "cannot be read" in (reader.line("moodwire/a/health", text) or "")
        Watcher("moodwire", as_json=True, count=0).received("moodwire/a/health", text, False)
        told = json.loads(capsys.readouterr().out)
        assert told["payload"] == text.decode(errors="replace")
    assert len(reader.line("moodwire/a/availability", b"x" * 10_000) or "") < 400


def test_values_that_are_told_again_are_shown_once():
    reader = Reader("moodwire")
    told = [("a/mood", b"sad"), ("a/mood", b"sad"), ("b/mood", b"sad"), ("a/mood", b"")] * 2
    lines = [reader.line(f"moodwire/{topic}", payload) for topic, payload in told]
    assert lines == [
        "a  mood: sad", None, "b  mood: sad", "a  mood: not known",
        "a  mood: sad", None, None, "a  mood: not known",
    ]  # fmt: skip
    commands = [reader.line("moodwire/a/set/mute", b"ON") for _ in range(2)]
    assert commands == ["a  set mute: ON"] * 2


def test_an_event_that_came_twice_is_shown_once():
    fields = {
        "id": "a-1",
        "event_type": "ended",
        "mood": "sad",
        "confidence": 0.8,
        "duration": 4.0,
        "delayed": True,
        "captured": "2026-03-01T12:00:00Z",
        "clock_synchronised": False,
        "clock_corrected": False,
    }
    reader = Reader("moodwire")
    line = reader.line("moodwire/car/event", json.dumps(fields).encode())
    assert line is not None
    assert line.startswith("car  sad ended after 4.0 s (80%) [late, heard 2026-03-01")
    assert "its clock was not set" in line
    assert reader.line("moodwire/car/event", json.dumps(fields).encode()) is None
