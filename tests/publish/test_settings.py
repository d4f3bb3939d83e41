"""Commands of strangers, secrets from several places, and how patiently a broker is tried."""

from __future__ import annotations

import json
import logging

import pytest
from kitchen import LABELS, config_for

from moodwire.backoff import LONGEST_SECONDS, STABLE_SECONDS, Backoff
from moodwire.config import CONTROLS, PROFILE_NAMES, Mqtt
from moodwire.publish.broker import BrokerError, broker_from
from moodwire.publish.commands import (
    CommandReader,
    Mute,
    Refusal,
    Request,
    Restart,
    SelfTest,
    SetHold,
    SetProfile,
    SetThreshold,
)
from moodwire.publish.composer import HEALTH_SECONDS
from moodwire.publish.hardware import Hardware, hardware
from moodwire.publish.homeassistant import Discovery
from moodwire.publish.outage import REMIND_SECONDS, Outage
from moodwire.publish.topics import Topics

READER = CommandReader(CONTROLS, PROFILE_NAMES)


@pytest.mark.parametrize(
    ("control", "payload", "command"),
    [
        ("mute", b"on", Mute(True)),
        ("mute", b"OFF\n", Mute(False)),
        ("threshold", b"0.55", SetThreshold("threshold", 0.55)),
        ("exit_threshold", b"1", SetThreshold("exit_threshold", 1.0)),
        ("hold", b" 2e1 ", SetHold(20.0)),
        ("profile", b"Car", SetProfile("car")),
        ("self_test", b"PRESS", SelfTest()),
        ("restart", b"PRESS", Restart()),
    ],
)
def test_commands_are_understood(control, payload, command):
    assert READER.read(Request(control, payload, retained=False)) == command


@pytest.mark.parametrize(
    ("control", "payload", "words"),
    [
        ("mute", b"", "ON, OFF"),
        ("mute", b"toggle", "ON, OFF"),
        ("threshold", b"nan", "from 0 to 1"),
        ("threshold", b"1.01", "from 0 to 1"),
        ("threshold", b"-inf", "from 0 to 1"),
        ("hold", b"0x10", "from 0 to 600"),
        ("hold", b"1" * 257, "257 bytes"),
        ("hold", b"\xff", "UTF-8"),
        ("profile", b"../../etc", "home, car"),
        ("restart", b"", "PRESS"),
        ("restart/now", b"PRESS", "no such command"),
        ("", b"PRESS", "no such command"),
        ("x" * 1000, b"PRESS", "no such command"),
    ],
)
def test_nonsense_is_refused_with_what_is_allowed(control, payload, words):
    refusal = READER.read(Request(control, payload, retained=False))
    assert isinstance(refusal, Refusal)
    assert words in refusal.detail
    assert len(refusal.control) <= 64


def test_a_control_that_is_not_given_away_stays():
    guarded = CommandReader(["mute"], PROFILE_NAMES)
    assert guarded.read(Request("mute", b"ON", retained=False)) == Mute(True)
    restart = guarded.read(Request("restart", b"PRESS", retained=False))
    assert isinstance(restart, Refusal) and "mqtt.controls" in restart.detail


def test_secrets_come_from_the_file_the_environment_or_systemd(tmp_path, monkeypatch):
    file = tmp_path / "password"
    file.write_bytes(b"\xef\xbb\xbffrom file\r\nnot this\n")  # as Windows writes it
    environment = {"MOODWIRE_MQTT_USERNAME": "somebody", "MOODWIRE_MQTT_PASSWORD": "from outside"}
    named = broker_from(Mqtt(password_file=str(file)), environment)
    assert (named.username, named.password) == ("somebody", "from file")
    assert broker_from(Mqtt(username="me"), environment).password == "from outside"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "mqtt_password").write_text("from systemd")
    assert broker_from(Mqtt(), {}).password == "from systemd"
    assert "from" not in repr(named)


def test_a_secret_that_cannot_be_read_is_an_error_that_names_the_setting(tmp_path):
    with pytest.raises(BrokerError, match=r"mqtt\.password_file: .* cannot be read: No such file"):
        broker_from(Mqtt(password_file=str(tmp_path / "none")), {})
    (tmp_path / "empty").touch()
    with pytest.raises(BrokerError, match=r"first line .* is empty"):
        broker_from(Mqtt(password_file=str(tmp_path / "empty")), {})
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(BrokerError, match=r"mqtt\.ca_file: .* no PEM"):
        broker_from(Mqtt(tls=True, ca_file=str(tmp_path / "ca.pem")), {})


def test_tries_become_rare_with_jitter_and_quick_again_after_a_good_time():
    backoff = Backoff(dice=lambda: 1.0)
    waits = [backoff.wait() for _ in range(8)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_SECONDS, LONGEST_SECONDS]
    assert backoff.wait(lived=STABLE_SECONDS - 1.0) == LONGEST_SECONDS
    assert backoff.wait(lived=STABLE_SECONDS) == 1.0
    assert Backoff(dice=lambda: 0.0).wait() == 0.5


def test_a_week_without_a_broker_fills_no_log(caplog):
    caplog.set_level(logging.INFO)
    now = 0.0
    outage = Outage(logging.getLogger("outage"), lambda: now)
    for _ in range(7 * 24 * 60):
        outage.begun("nothing listens there")
        now += 60.0
    week = 7 * 24 * 3600.0
    assert len(caplog.records) <= week / REMIND_SECONDS + 1
    outage.begun("wrong password")
    assert "wrong password" in caplog.text
    outage.over("broker:1883")
    assert "is back after 604800 s" in caplog.text


def test_the_device_tree_names_the_board(tmp_path):
    tree = tmp_path / "proc/device-tree"
    tree.mkdir(parents=True)
    (tree / "model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.5\0")
    (tree / "serial-number").write_bytes(b"10000000abcdef\0")
    found = hardware(tmp_path)
    assert (found.model, found.serial) == ("Raspberry Pi 4 Model B Rev 1.5", "10000000abcdef")
    assert not found.has_thermometer


@pytest.mark.parametrize(
    ("web", "url"),
    [
        ({}, None),
        ({"enabled": True}, None),
        ({"enabled": True, "address": "0.0.0.0"}, "http://kitchen-pi.local:8377/"),
        ({"enabled": True, "address": "192.168.1.7", "port": 80}, "http://192.168.1.7:80/"),
        ({"enabled": True, "address": "fd00::7"}, "http://[fd00::7]:8377/"),
    ],
)
def test_home_assistant_is_told_of_the_page_where_it_can_reach_it(web, url):
    config = config_for(web=web)
    board = Hardware("Pi", host="kitchen-pi.lan")
    discovery = Discovery(config, Topics("moodwire", "kitchen"), LABELS, board)
    device = json.loads(discovery.announcement().payload)["device"]
    assert device.get("configuration_url") == url


def test_entity_ids_are_those_that_home_assistant_makes_of_names():
    config = config_for(alert=[{"name": "loud", "moods": ["angry"]}])
    topics = Topics("moodwire", "kitchen")
    discovery = Discovery(config, topics, LABELS, Hardware("Pi", has_thermometer=True))
    message = json.loads(discovery.announcement().payload)
    entries = message["components"]
    ids = {name: each["default_entity_id"] for name, each in entries.items() if len(each) > 1}
    assert ids["mood"] == "sensor.kitchen"
    assert ids["event"] == "event.kitchen_mood_event"
    assert ids["self_test"] == "button.kitchen_self_test"
    assert ids["cpu_temperature"] == "sensor.kitchen_cpu_temperature"
    assert len(set(ids.values())) == len(ids)
    assert "object_id" not in json.dumps(message)
    assert entries["level"] == {"platform": "sensor"}


def test_a_mood_is_shown_no_longer_than_the_device_speaks():
    """The broker says `online` for ever of a device that died together with it."""
    config = config_for(mqtt={"publish_level": True})
    discovery = Discovery(config, Topics("moodwire", "kitchen"), LABELS, Hardware("Pi"))
    entries = json.loads(discovery.announcement().payload)["components"]
    for name in ("mood", "confidence", "speech", "level", "uptime"):
        assert entries[name]["expire_after"] == 3 * HEALTH_SECONDS


def test_no_button_to_restart_is_shown_where_that_would_be_refused():
    topics, config = Topics("moodwire", "kitchen"), config_for()
    microphone, pipe = (
        Discovery(config, topics, LABELS, Hardware("Pi"), can_restart=each)
        for each in (True, False)
    )
    found = [json.loads(each.announcement().payload)["components"] for each in (microphone, pipe)]
    assert "command_topic" in found[0]["restart"]
    assert found[1] == {**found[0], "restart": {"platform": "button"}}
    assert microphone.would_be(pipe.announcement().payload)
    other = Discovery(config, topics, LABELS[1:], Hardware("Pi"))
    assert not microphone.would_be(other.announcement().payload)


def test_events_are_there_as_long_as_the_device_is():
    """The last mood ends when the microphone closes, and late events may come at any time."""
    config = config_for(alert=[{"name": "loud", "moods": ["angry"]}])
    topics = Topics("moodwire", "kitchen")
    discovery = Discovery(config, topics, LABELS, Hardware("Pi"))
    entries = json.loads(discovery.announcement().payload)["components"]
    for name in ("event", "alert"):
        assert entries[name]["availability"] == [{"topic": topics.availability}]
