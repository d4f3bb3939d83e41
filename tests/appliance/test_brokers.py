"""The examples for mosquitto and for consumers, with real mosquittos."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from broker import MOSQUITTO, RUNNING, Broker, Subscriber, free_port

from moodwire.config import Config
from moodwire.diagnostics import broker as doctor
from moodwire.diagnostics.finding import Finding, Grade
from moodwire.diagnostics.subject import Subject
from moodwire.events import AlertEvent, encode
from moodwire.model import load_bundle
from moodwire.publish.topics import Topics

pytestmark = pytest.mark.broker

FIRMWARE = Path(__file__).parents[2] / "firmware_config"
PASSWORDS = {"kitchen": "k", "hall": "h", "homeassistant": "a", "viewer": "v", "car": "c"}


def settings(name: str, *, drop: tuple[str, ...] = (), **replaced: str) -> str:
    """Lines of an example: some left to the bench, some replaced, all others as they are."""
    lines = (FIRMWARE / "mosquitto" / name).read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith(drop or "\0"))
    for old, new in replaced.items():
        text, count = re.subn(rf"^{old} .*$", f"{old} {new}", text, flags=re.MULTILINE)
        assert count == 1, f"{name} has {count} lines for {old}"
    return text


@pytest.fixture
def home(make_broker: Callable[..., Broker], tmp_path: Path) -> Broker:
    """moodwire.conf and moodwire.acl, with certificates of certificates.sh."""
    certificates = tmp_path / "certs"
    script = FIRMWARE / "mosquitto/certificates.sh"
    subprocess.run([script, certificates, "127.0.0.1", "localhost"], check=True)
    tls_port = free_port()
    more = settings(
        "moodwire.conf",
        drop=("listener 1883", "allow_anonymous", "autosave", "password_file", "acl_file",
              "per_listener"),
        listener=f"{tls_port} 127.0.0.1",
        cafile=str(certificates / "ca.pem"),
        certfile=str(certificates / "server.pem"),
        keyfile=str(certificates / "server.key"),
    )  # fmt: skip
    (certificates / "server.key").chmod(0o644)
    acl = (FIRMWARE / "mosquitto/moodwire.acl").read_text()
    broker = make_broker(users=PASSWORDS, acl=acl, more=more)
    broker.tls_port = tls_port  # type: ignore[attr-defined]
    broker.ca = certificates / "ca.pem"  # type: ignore[attr-defined]
    return broker


DEBIAN = """\
persistence true
persistence_location {folder}/
include_dir {folder}/conf.d
user {user}
"""
"""/etc/mosquitto/mosquitto.conf of bookworm and trixie, beside which the examples are laid; but
for its log, which is a file."""


@pytest.mark.skipif(not MOSQUITTO, reason="mosquitto is not installed")
@pytest.mark.parametrize("name", ["moodwire.conf", "bridge-car.conf"])
def test_debians_mosquitto_starts_with_the_example_as_it_is(name: str, tmp_path: Path) -> None:
    places = tmp_path / "conf.d", tmp_path / "certs"
    for place in places:
        place.mkdir()
    subprocess.run([FIRMWARE / "mosquitto/certificates.sh", places[1], "localhost"], check=True)
    shutil.copy(FIRMWARE / "mosquitto/moodwire.acl", tmp_path)
    (tmp_path / "passwords").touch()
    user = pwd.getpwuid(os.getuid()).pw_name
    (tmp_path / "mosquitto.conf").write_text(DEBIAN.format(folder=tmp_path, user=user))
    example = (FIRMWARE / "mosquitto" / name).read_text().replace("/etc/mosquitto", str(tmp_path))
    example = re.sub(r"^listener \d+", lambda _: f"listener {free_port()}", example, flags=re.M)
    (places[0] / name).write_text(example.replace("home.example:", "127.0.0.1:"))

    command = [MOSQUITTO, "-c", tmp_path / "mosquitto.conf"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr
        runs = any(line.endswith(RUNNING) for line in process.stderr)
        process.kill()

    assert runs


def examined(home: Broker, user: str, password: str, device: str) -> dict[str, Finding]:
    """What `moodwire doctor` says of a device that uses the TLS listener."""
    config = msgspec.convert(
        {
            "device": {"id": device},
            "mqtt": {
                "host": "127.0.0.1", "port": home.tls_port, "tls": True, "ca_file": str(home.ca),
                "username": user, "password": password,
            },
        },
        Config,
    )  # fmt: skip
    return {f.name: f for f in doctor.look(Subject(config, load_bundle()))}


def test_a_device_has_all_rights_of_its_own_over_tls_and_no_others(home: Broker) -> None:
    own = examined(home, "kitchen", "k", "kitchen")
    others = examined(home, "kitchen", "k", "hall")

    assert own["TLS"].grade is own["login"].grade is own["topics"].grade is Grade.FINE
    assert "not announced yet" in own["Home Assistant"].seen
    assert "11 of 11 refused" in others["topics"].seen


def test_only_home_assistant_commands_and_the_viewer_only_reads(home: Broker) -> None:
    command = "moodwire/kitchen/set/mute"
    with (
        Subscriber(home, "moodwire/#", user="kitchen") as kitchen,
        Subscriber(home, "moodwire/#", user="viewer") as viewer,
        Subscriber(home, "moodwire/#", user="homeassistant") as assistant,
    ):
        viewer.publish(command, "viewer")
        assistant.publish("moodwire/kitchen/mood", "assistant")
        assistant.publish(command, "assistant")
        kitchen.topic(command)
        kitchen.publish("moodwire/kitchen/mood", "kitchen")
        for each in (viewer, kitchen):
            each.topic("moodwire/kitchen/mood")

    heard = {(message.topic, message.payload) for message in kitchen.messages}
    assert heard == {(command, b"assistant"), ("moodwire/kitchen/mood", b"kitchen")}


@pytest.fixture
def car(home: Broker, make_broker: Callable[..., Broker]) -> Broker:
    """bridge-car.conf."""
    more = settings(
        "bridge-car.conf",
        drop=("listener", "allow_anonymous", "autosave"),
        address=f"127.0.0.1:{home.tls_port}",
        bridge_cafile=str(home.ca),
        remote_password=PASSWORDS["car"],
        restart_timeout="1 1",
    )
    return make_broker(more=more)


def test_a_car_stores_what_it_says_while_away_and_brings_it_home_in_order(
    home: Broker, car: Broker
) -> None:
    with Subscriber(home, "moodwire/car/#", user="viewer", session="screen") as viewer:
        with Subscriber(car, "moodwire/#") as device:
            device.publish("moodwire/car/event", "before")
            viewer.topic("moodwire/car/event", b"before")
            home.stop()
            for number in range(50):
                device.publish("moodwire/car/event", f"away {number}")
        car.stop()  # the ignition is switched off, and on again
        car.start()
        home.start()
        viewer.topic("moodwire/car/event", b"away 49", timeout=60)

    events = [m.payload.decode() for m in viewer.messages if m.topic == "moodwire/car/event"]
    in_order = list(dict.fromkeys(events))  # at least once: a double is allowed
    assert in_order == ["before", *(f"away {number}" for number in range(50))]


def test_home_sees_a_car_that_comes_back_as_it_is_and_not_as_it_was(
    home: Broker, car: Broker
) -> None:
    topics = Topics("moodwire", "car")
    with (
        Subscriber(home, "moodwire/car/#", user="viewer", session="screen") as viewer,
        Subscriber(car, "moodwire/#") as device,
    ):
        for topic in (*topics.values, topics.availability, topics.event, topics.alert):
            device.publish(topic, "before", retain=True)
            viewer.topic(topic, b"before")
        home.stop()
        for mood in ("angry", "quiet"):
            device.publish(topics.mood, mood, retain=True)
        device.publish(topics.event, "away")
        mark = viewer.mark()
        home.start()
        viewer.topic(topics.mood, b"quiet", after=mark)
        viewer.topic(topics.event, b"away", after=mark)
        assert b"angry" not in [each.payload for each in viewer.messages[mark:]]


def alert(identity: str, age: float = 0.0, synchronised: bool = True) -> bytes:
    return encode(
        AlertEvent(
            device="car", id=identity, sequence=1, event_type="angry-driver", mood="angry",
            captured=datetime.now(UTC) - timedelta(seconds=age), clock_synchronised=synchronised,
            confidence=0.8, sustained=4.0, model="m", model_hash="h",
        )
    )  # fmt: skip


def altered(**fields: object) -> bytes:
    return json.dumps({**json.loads(alert("altered")), **fields}).encode()


MALFORMED = (
    b"", b"not json", b"\xff", b"[]", b"7", b"[" * 20_000, b'{"id": 1}',
    altered(id=["one"]), altered(id=None), altered(captured=7), altered(captured="yesterday"),
    altered(captured="2026-01-01T12:00:00"), altered(clock_synchronised="no"),
)  # fmt: skip
"""What a consumer must live through without a word."""


@pytest.fixture
def consumer(make_broker: Callable[..., Broker]) -> Iterator[tuple[Broker, subprocess.Popen[str]]]:
    broker = make_broker()
    with Subscriber(broker) as sender:
        sender.publish("moodwire/car/alert", alert("kept"), retain=True)
    command = [sys.executable, FIRMWARE / "consumer/in_car.py", "--port", str(broker.port)]
    command += ["--stale", "300"]  # what is fresh here is so on any machine
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield broker, process
    finally:
        process.kill()
        process.wait()


def test_a_consumer_acts_once_and_only_on_what_is_fresh(
    consumer: tuple[Broker, subprocess.Popen[str]],
) -> None:
    broker, process = consumer
    assert process.stdout
    lines = (json.loads(line) for line in process.stdout)
    assert next(lines) == {"subscribed": "moodwire/+/alert"}
    assert next(lines)["why_not"].startswith("retained")
    payloads = [
        alert("one"), alert("one"), alert("old", age=600), alert("unset", synchronised=False),
        alert("early", age=-600), *MALFORMED, alert("two"),
    ]  # fmt: skip
    with Subscriber(broker) as sender:
        for payload in payloads:
            sender.publish("moodwire/car/alert", payload)

    told = [next(lines) for _ in range(6)]
    assert [(each["id"], each["taken"]) for each in told] == [
        ("one", True), ("one", False), ("old", False), ("unset", False), ("early", False),
        ("two", True),
    ]  # fmt: skip
    assert [each.get("why_not", "").split(":")[0].split(",")[0] for each in told[1:5]] == [
        "double", "stale", "its device did not know the time", "from the future",
    ]  # fmt: skip


WATCHED = """\
import runpy, sys
sys.addaudithook(lambda event, _: event == "socket.connect" and print("tries", flush=True))
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def test_a_consumer_that_is_there_before_the_broker_waits_for_it() -> None:
    arguments = [FIRMWARE / "consumer/in_car.py", "--host", "127.0.0.1", "--port", str(free_port())]
    command = [sys.executable, "-c", WATCHED, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        tries = [process.stdout.readline() for _ in range(2)]
        process.kill()

    assert tries == ["tries\n"] * 2
