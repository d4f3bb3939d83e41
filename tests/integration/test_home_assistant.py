"""A real Home Assistant 2025.4 sees the device, follows it, and loses and finds it again."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest
from broker import WAIT_SECONDS, Broker, Subscriber
from kitchen import LABELS, ROOT, config_for

from moodwire.config import Config
from moodwire.diagnostics import broker as doctor
from moodwire.diagnostics.finding import Grade
from moodwire.diagnostics.subject import Subject

DISCOVERY = "homeassistant/device/moodwire_kitchen/config"
ALERT = {"name": "somebody_is_angry", "moods": ["angry"]}

SHOWN = {
    "sensor.kitchen",
    "sensor.kitchen_confidence",
    "binary_sensor.kitchen_speech",
    "event.kitchen_mood_event",
    "event.kitchen_alert",
    "switch.kitchen_microphone",
    "number.kitchen_threshold",
    "number.kitchen_exit_threshold",
    "number.kitchen_hold",
    "select.kitchen_profile",
    "button.kitchen_self_test",
    "button.kitchen_restart",
    "sensor.kitchen_sound_source",
    "sensor.kitchen_cpu_temperature",
    "sensor.kitchen_inference_time",
    "sensor.kitchen_dropped_audio",
    "sensor.kitchen_uptime",
    "sensor.kitchen_age_of_last_frame",
    "sensor.kitchen_waiting_events",
    "sensor.kitchen_lost_events",
    "sensor.kitchen_model",
}
HIDDEN = "sensor.kitchen_level"


@pytest.mark.homeassistant
@pytest.mark.timeout(1200)
def test_a_life_with_home_assistant(home_assistant, broker: Broker, make_process, tmp_path):
    ha = home_assistant
    config = config_for(
        broker, mqtt={"publish_level": True}, alert=[ALERT], device={"area": "Kitchen"}
    )
    ha.use(broker)
    device = make_process(config)
    ha.wait("sensor.kitchen_sound_source", "starting")
    is_seen_by_doctor_to_be_accepted(config, tmp_path)
    with Subscriber(broker) as heard:
        shows_all_entities(ha, device)
        identity = follows_the_moods(ha, device)
        obeys(ha, device, identity)
        device = is_gone_at_once_when_killed_and_comes_back(ha, device, make_process, config)
        is_announced_again_after_a_restart(ha, device, heard)
        device.stop()
        ha.wait("switch.kitchen_microphone", "unavailable")
        loses_what_is_switched_off(ha, broker, make_process)
        assert ha.complaints == []
        forgets_a_device_that_does_not_want_it(ha, broker, make_process)


def is_seen_by_doctor_to_be_accepted(config, pi):
    """By what Home Assistant reads; `pi` gets what the process says of its hardware."""
    for path, text in (
        ("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5"),
        ("proc/device-tree/serial-number", "10000000abcdef"),
        ("sys/class/thermal/thermal_zone0/temp", "47250"),
    ):
        (pi / path).parent.mkdir(parents=True, exist_ok=True)
        (pi / path).write_text(text)
    about = Subject(config, SimpleNamespace(labels=LABELS), root=pi)
    deadline = time.monotonic() + WAIT_SECONDS
    while True:  # it subscribes platform by platform
        *_, found = doctor.look(about)
        if (found.name, found.grade) == ("Home Assistant", Grade.FINE):
            break
        assert time.monotonic() < deadline, found


def shows_all_entities(ha, device):
    device.tell("source live")
    device.tell("quiet")
    device.tell("health")
    ha.wait("sensor.kitchen", "quiet")
    ha.wait("sensor.kitchen_uptime", "61.0")
    ha.wait_for_all(".kitchen", SHOWN)

    assert ha.attributes("sensor.kitchen")["options"] == [*LABELS, "uncertain", "quiet"]
    assert ha.attributes("event.kitchen_mood_event")["event_types"] == ["started", "ended"]
    assert ha.attributes("event.kitchen_alert")["event_types"] == ["somebody_is_angry"]
    for entity, state in {
        "sensor.kitchen_confidence": "unknown",
        "binary_sensor.kitchen_speech": "off",
        "sensor.kitchen_sound_source": "live",
        "sensor.kitchen_cpu_temperature": "47.2",
        "sensor.kitchen_inference_time": "5.4",
        "sensor.kitchen_dropped_audio": "3",
        "sensor.kitchen_model": "moodwire-four",
        "number.kitchen_threshold": str(Config().decision.enter),
        "select.kitchen_profile": "home",
    }.items():
        ha.wait(entity, state)


def follows_the_moods(ha, device):
    device.tell("say angry")
    identity = device.answer("said").split()[1]
    ha.wait("sensor.kitchen", "angry")
    ha.wait("sensor.kitchen_confidence", "70.0")
    ha.wait("binary_sensor.kitchen_speech", "on")
    ha.wait_for("event.kitchen_mood_event", event_type="started", id=identity, mood="angry")
    return identity


def obeys(ha, device, identity):
    ha.call("number/set_value", "number.kitchen_hold", value=12.5)
    assert device.answer("command") == "command SetHold(seconds=12.5)"
    ha.wait("number.kitchen_hold", "12.5")
    ha.call("select/select_option", "select.kitchen_profile", option="car")
    ha.wait("select.kitchen_profile", "car")
    ha.call("button/press", "button.kitchen_self_test")
    device.answer("command SelfTest")

    ha.call("switch/turn_off", "switch.kitchen_microphone")
    ha.wait("switch.kitchen_microphone", "off")
    ha.wait("sensor.kitchen", "unavailable")
    ha.wait("sensor.kitchen_sound_source", "muted")
    ha.wait_for("event.kitchen_mood_event", event_type="ended", mood_id=identity)
    ha.call("switch/turn_on", "switch.kitchen_microphone")
    ha.wait("switch.kitchen_microphone", "on")
    ha.wait("sensor.kitchen", "unknown")


def is_gone_at_once_when_killed_and_comes_back(ha, device, make_process, config):
    device.kill()
    for name in SHOWN:
        ha.wait(name, "unavailable")

    device = make_process(config)
    device.tell("source live")
    device.tell("say happy")
    ha.wait("sensor.kitchen", "happy")
    ha.wait("switch.kitchen_microphone", "on")
    return device


def is_announced_again_after_a_restart(ha, device, heard):
    ha.stop()
    entities = {each["entity_id"]: each for each in ha.registered("core.entity_registry")}
    assert entities[HIDDEN]["disabled_by"] == "integration"
    assert set(entities) >= SHOWN
    (kitchen,) = [
        each for each in ha.registered("core.device_registry") if each["name"] == "Kitchen"
    ]
    assert kitchen["hw_version"] == "Raspberry Pi 4 Model B Rev 1.5"
    assert kitchen["serial_number"] == "10000000abcdef"

    mark = heard.mark()
    ha.start()
    ha.wait("sensor.kitchen", "happy")
    heard.topic("homeassistant/status", b"online", after=mark)
    assert json.loads(heard.topic(DISCOVERY, after=mark).payload)["origin"]["name"] == "Moodwire"
    heard.topic(f"{ROOT}/mood", b"happy", after=mark)


def loses_what_is_switched_off(ha, broker, make_process):
    controls = {"controls": ["hold"]}
    fewer = make_process(config_for(broker, mqtt=controls))
    for gone in ("event.kitchen_alert", "switch.kitchen_microphone", "button.kitchen_restart"):
        ha.wait(gone, None)
    ha.wait("number.kitchen_hold", "3")
    fewer.stop()


def forgets_a_device_that_does_not_want_it(ha, broker, make_process):
    without = make_process(config_for(broker, home_assistant={"enabled": False}))
    ha.wait_for_all(".kitchen", set())
    without.stop()

    # Home Assistant empties the topic once more itself, and warns of its own message.
    ours = [line for line in broker.log.splitlines() if "from moodwire-kitchen" in line]
    assert sum(DISCOVERY in line and "(0 bytes)" in line for line in ours) == 1
