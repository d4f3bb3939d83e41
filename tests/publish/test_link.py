"""The link against a real mosquitto: what a household's broker does to a device."""

from __future__ import annotations

import json
import queue
import re
import socket
import time

import pytest
from broker import WAIT_SECONDS, Subscriber
from kitchen import ROOT, config_for, wait_until
from rotten import ROTTEN

from moodwire.publish.broker import BrokerError
from moodwire.publish.commands import Mute, SetHold

pytestmark = pytest.mark.broker
DISCOVERY = "homeassistant/device/moodwire_kitchen/config"


def events(heard: Subscriber) -> list[dict]:
    return [json.loads(m.payload) for m in heard.messages if m.topic == f"{ROOT}/event"]


def test_a_device_says_who_it_is_then_how_it_is_then_what_happens(broker, make_device):
    with Subscriber(broker) as heard:
        device = make_device(config_for(broker))
        heard.topic(f"{ROOT}/availability", b"online")
        told = [m.topic for m in heard.messages]
        assert told[0] == DISCOVERY and told[-1] == f"{ROOT}/availability"
        assert {f"{ROOT}/{value}" for value in ("source", "mood", "state")} < set(told)
        device.live()
        device.say("happy")
        event = json.loads(heard.topic(f"{ROOT}/event").payload)

        assert event["mood"] == "happy"
        assert event["id"] == event["mood_id"]
        assert event["delayed"] is False
        heard.topic(f"{ROOT}/mood", b"happy")
        retained = {m.topic: m.retained for m in heard.messages}
        assert retained.pop(f"{ROOT}/event") is False
        assert all(retained.values()), retained


def test_it_listens_to_commands_and_births_and_never_to_itself(broker, make_device):
    make_device(config_for(broker)).connected()
    wait_until(lambda: "Sending SUBACK" in broker.log)
    taken = re.findall(r"^\d+: moodwire-kitchen 1 (\S+)$", broker.log, re.MULTILINE)
    assert taken == [f"{ROOT}/set/#", "homeassistant/status"]


def test_a_clean_stop_says_offline(broker, make_device):
    with Subscriber(broker) as heard:
        device = make_device(config_for(broker))
        heard.topic(f"{ROOT}/availability", b"online")
        device.stop(2.0)
        heard.topic(f"{ROOT}/availability", b"offline", timeout=0.5)

    # Said by the device itself: after a polite end the broker does not say the will.
    wait_until(lambda: "Received DISCONNECT from moodwire-kitchen" in broker.log)


def test_a_broker_that_forgot_everything_is_told_everything_again(broker, make_device):
    device = make_device(config_for(broker))
    device.connected()
    device.live()
    device.say("sad")
    with Subscriber(broker) as heard:
        heard.topic(f"{ROOT}/mood", b"sad")
    broker.kill()
    broker.wipe()
    broker.start()

    with Subscriber(broker) as heard:
        assert heard.topic(DISCOVERY).payload.startswith(b"{")
        heard.topic(f"{ROOT}/availability", b"online")
        heard.topic(f"{ROOT}/source", b"live")
        heard.topic(f"{ROOT}/mood", b"sad")
        assert json.loads(heard.topic(f"{ROOT}/state").payload)["mood"] == "sad"
    assert device.link.counters.reconnects >= 1


def test_events_of_an_outage_come_late_marked_and_in_order(broker, make_device):
    with Subscriber(broker, session="consumer") as heard:
        device = make_device(config_for(broker))
        device.connected()
        device.live()
        device.say("happy")
        heard.topic(f"{ROOT}/event")
        # the consumer may have it before the device hears that the broker took it
        wait_until(lambda: device.link.counters.queue == 0)
        broker.kill()
        for _ in range(50):
            device.say("sad")
        assert device.link.counters.queue == 50
        broker.start()
        heard.wait(lambda m: m.topic == f"{ROOT}/event" and json.loads(m.payload)["sequence"] == 50)

    # the killed broker may repeat to the consumer what it had not noted as delivered
    told = list({each["id"]: each for each in events(heard)}.values())
    assert [each["sequence"] for each in told] == list(range(51))
    assert [each["delayed"] for each in told] == [False] + [True] * 50


def test_a_frozen_broker_is_noticed_and_nothing_sent_to_it_is_lost(broker, make_device):
    with Subscriber(broker, session="consumer") as heard:
        device = make_device(config_for(broker, mqtt={"keepalive": 5}))
        device.connected()
        device.live()
        broker.freeze()
        device.say("happy")
        broker.kill()
        broker.start()
        heard.topic(f"{ROOT}/event", timeout=15.0)
    assert {each["sequence"] for each in events(heard)} == {0}


def test_what_the_broker_refuses_is_kept_and_said_and_sent_when_it_may(make_broker, make_device):
    users = {"kitchen": "secret", "consumer": "secret"}
    readable = "user consumer\ntopic readwrite #\n"
    broker = make_broker(users=users, acl=f"{readable}user kitchen\ntopic write moodwire/+/mood\n")
    with Subscriber(broker, user="consumer", session="consumer") as heard:
        device = make_device(config_for(broker, mqtt={"username": "kitchen", "password": "secret"}))
        device.connected()
        device.live()
        device.say("happy")
        heard.topic(f"{ROOT}/mood", b"happy")
        wait_until(lambda: device.link.counters.refused >= 3)

        assert device.link.counters.queue == 1
        assert not events(heard)

        broker.set_acl(f"{readable}user kitchen\ntopic readwrite #\n")
        broker.stop()
        broker.start()
        assert json.loads(heard.topic(f"{ROOT}/event").payload)["delayed"] is True
        wait_until(lambda: device.link.counters.queue == 0)


def test_rights_that_are_mended_let_everything_through_without_a_new_connection(
    make_broker, make_device, monkeypatch, caplog
):
    caplog.set_level("INFO")
    monkeypatch.setattr("moodwire.publish.dispatch.REFUSED_RETRY_SECONDS", 0.2)
    monkeypatch.setattr("moodwire.publish.link.STEP_SECONDS", 0.1)
    users = {"kitchen": "secret", "consumer": "secret"}
    readable = "user consumer\ntopic readwrite #\n"
    broker = make_broker(users=users, acl=f"{readable}user kitchen\ntopic read #\n")
    with Subscriber(broker, user="consumer") as heard:
        device = make_device(config_for(broker, mqtt={"username": "kitchen", "password": "secret"}))
        device.connected()
        device.live()
        device.say("happy")
        said = {DISCOVERY} | {
            f"{ROOT}/{name}" for name in ("availability", "source", "mood", "event")
        }
        wait_until(lambda: said <= set(re.findall(r"Denied PUBLISH .* '(\S+)'", broker.log)))
        # by the third try the device has heard of two refusals
        wait_until(lambda: len(re.findall(rf"Denied PUBLISH .* '{ROOT}/event'", broker.log)) > 2)
        assert not heard.messages
        assert sum(f"{ROOT}/event" in each for each in caplog.messages) == 1

        broker.set_acl(f"{readable}user kitchen\ntopic readwrite #\n")
        assert heard.topic(DISCOVERY).payload.startswith(b"{")
        heard.topic(f"{ROOT}/availability", b"online")
        heard.topic(f"{ROOT}/source", b"live")
        heard.topic(f"{ROOT}/mood", b"happy")
        assert json.loads(heard.topic(f"{ROOT}/event").payload)["delayed"] is True
        wait_until(lambda: device.link.counters.queue == 0)
        wait_until(lambda: "refuses nothing any more" in caplog.text)
    assert device.link.counters.reconnects == 0


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_name_and_a_password_over_tls_with_a_certificate(
    protocol, make_broker, make_device, certificates, tmp_path
):
    broker = make_broker(users={"kitchen": "sösecret"}, tls=certificates)
    (tmp_path / "password").write_text("sösecret\n")
    settings = {
        "protocol": protocol,
        "username": "kitchen",
        "password_file": str(tmp_path / "password"),
        "tls": True,
        "ca_file": str(certificates.ca),
    }
    with Subscriber(broker, user="kitchen") as heard:
        make_device(config_for(broker, mqtt=settings))
        heard.topic(f"{ROOT}/availability", b"online")


def test_a_client_certificate_opens_a_broker_that_wants_one(make_broker, make_device, certificates):
    broker = make_broker(tls=certificates, client_certificates=True)
    certificate, key = certificates.client
    tls = {"tls": True, "ca_file": str(certificates.ca)}
    mine = {"certificate_file": str(certificate), "key_file": str(key)}
    device = make_device(config_for(broker, mqtt={**tls, **mine}))
    device.connected()


def test_websockets_in_both_protocols(make_broker, make_device):
    broker = make_broker(websockets=True)
    for protocol in ("5", "3.1.1"):
        port = broker.websocket_port
        settings = {"transport": "websockets", "protocol": protocol, "port": port}
        device = make_device(config_for(broker, mqtt=settings))
        device.connected()
        device.say("happy")
        wait_until(lambda device=device: device.link.counters.queue == 0)
        device.stop(1.0)


def test_a_strangers_certificate_is_named_and_never_trusted(
    make_broker, make_device, certificates, caplog
):
    broker = make_broker(tls=certificates)
    device = make_device(config_for(broker, mqtt={"tls": True}))
    wait_until(lambda: "mqtt.ca_file, mqtt.host and the clock" in caplog.text)
    assert not device.link.connected


def test_a_wrong_password_is_named_and_never_shown(make_broker, make_device, caplog):
    broker = make_broker(users={"kitchen": "right"})
    login = {"username": "kitchen", "password": "wr0ng-s3cret"}
    caplog.set_level("DEBUG")
    make_device(config_for(broker, mqtt=login))
    wait_until(lambda: "mqtt.password_file" in caplog.text)
    assert "wr0ng" not in caplog.text


def test_a_missing_certificate_file_is_an_error_at_once(make_device, broker):
    with pytest.raises(BrokerError, match=r"mqtt\.ca_file: /nowhere/ca\.pem cannot be read"):
        make_device(config_for(broker, mqtt={"tls": True, "ca_file": "/nowhere/ca.pem"}))


def test_commands_arrive_typed_and_bad_ones_are_answered(broker, make_device):
    with Subscriber(broker) as heard:
        device = make_device(config_for(broker))
        heard.topic(f"{ROOT}/availability", b"online")
        heard.publish(f"{ROOT}/set/mute", "ON", retain=True)
        heard.publish(f"{ROOT}/set/mute", b"", retain=True)
        bad = {"hold": b"601", "threshold": b"\xff\xfe", "profile": b"x" * 5000, "colour": b"red"}
        for control, payload in bad.items():
            heard.publish(f"{ROOT}/set/{control}", payload)
        heard.publish(f"{ROOT}/set/restart", b"")
        heard.publish(f"{ROOT}/set/hold", "7.5")

        assert device.commands.get(timeout=WAIT_SECONDS) == SetHold(7.5)
        with pytest.raises(queue.Empty):
            device.commands.get_nowait()
        heard.wait(lambda m: b'"control":"restart"' in m.payload)
        answers = [json.loads(m.payload) for m in heard.messages if m.topic == f"{ROOT}/result"]
    assert [(each["control"], each["ok"]) for each in answers] == [
        ("mute", False),
        ("hold", False),
        ("threshold", False),
        ("profile", False),
        ("colour", False),
        ("restart", False),
    ]
    assert "retained" in answers[0]["detail"]
    assert "0 to 600" in answers[1]["detail"]


def test_a_command_left_retained_does_nothing_when_the_device_comes(broker, make_device):
    with Subscriber(broker) as heard:
        heard.publish(f"{ROOT}/set/mute", "ON", retain=True)
        for protocol in ("5", "3.1.1"):
            mark = heard.mark()
            device = make_device(config_for(broker, mqtt={"protocol": protocol}))
            answer = heard.topic(f"{ROOT}/result", after=mark)
            assert json.loads(answer.payload)["ok"] is False
            assert device.commands.empty()
            device.stop(1.0)


def test_home_assistants_birth_makes_the_device_announce_itself_again(broker, make_device):
    with Subscriber(broker) as heard:
        make_device(config_for(broker))
        heard.topic(f"{ROOT}/availability", b"online")
        mark = heard.mark()
        heard.publish("homeassistant/status", "online")
        heard.topic(f"{ROOT}/availability", after=mark)
        assert heard.messages[mark + 1].topic == DISCOVERY


def test_without_home_assistant_an_earlier_announcement_is_taken_back(broker, make_device):
    with Subscriber(broker) as heard:
        earlier = make_device(config_for(broker))
        heard.topic(DISCOVERY)
        earlier.stop(1.0)
        mark = heard.mark()
        make_device(config_for(broker, home_assistant={"enabled": False}))
        heard.topic(DISCOVERY, b"", after=mark)


def test_what_nobody_can_read_is_left_where_the_announcement_would_be(broker, make_device):
    with Subscriber(broker) as heard:
        for text in ROTTEN.values():
            heard.publish(DISCOVERY, text, retain=True)
            device = make_device(config_for(broker, home_assistant={"enabled": False}))
            device.connected()
            device.say("happy")
            # the broker answers in order: what it holds, then that it has the event
            wait_until(lambda device=device: device.link.counters.queue == 0)
            device.stop(1.0)
        assert DISCOVERY in heard.retained()


def test_an_error_in_the_links_thread_reaches_whoever_runs_it(broker, make_device):
    def burst(command):
        raise RuntimeError(f"cannot take {command}")

    with Subscriber(broker) as heard:
        device = make_device(config_for(broker), on_command=burst)
        heard.topic(f"{ROOT}/availability", b"online")
        heard.publish(f"{ROOT}/set/mute", "ON")
        error = device.failures.get(timeout=WAIT_SECONDS)
        assert str(error) == f"cannot take {Mute(True)}"
        heard.topic(f"{ROOT}/availability", b"offline")
    assert not device.link.connected


def test_two_devices_with_one_id_are_told_apart_from_a_broken_broker(broker, make_device, caplog):
    first = make_device(config_for(broker))
    first.connected()
    make_device(config_for(broker)).connected()
    wait_until(lambda: "does another device have this" in caplog.text)


@pytest.fixture
def mute_server():
    """Takes connections and then says nothing, as a broker that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_that_says_nothing_is_given_up(mute_server, make_device, monkeypatch, caplog):
    monkeypatch.setattr("moodwire.publish.connection.CONNECT_SECONDS", 0.1)
    make_device(config_for(mqtt={"host": "127.0.0.1", "port": mute_server}))
    wait_until(lambda: "then said nothing" in caplog.text)


@pytest.mark.parametrize("tls", [False, True])
def test_stopping_takes_no_longer_than_allowed_whatever_the_broker_does(
    mute_server, make_device, tls
):
    settings = {"host": "127.0.0.1", "port": mute_server, "tls": tls}
    device = make_device(config_for(mqtt=settings, outbox={"store": "disk"}))
    device.say("sad")
    began = time.monotonic()
    device.stop(0.3)
    assert time.monotonic() - began < 0.8
