"""Broker and device are both killed, again and again; every event that was told arrives."""

from __future__ import annotations

import json

import pytest
from broker import HANDS_ON_AT_ONCE, Subscriber
from kitchen import ROOT, config_for

EVENTS = 200


def told(heard: Subscriber) -> list[dict]:
    return [json.loads(m.payload) for m in heard.messages if m.topic == f"{ROOT}/event"]


@pytest.mark.broker
def test_200_events_survive_the_death_of_broker_and_device(make_broker, make_process):
    broker = make_broker(more=HANDS_ON_AT_ONCE)
    config = config_for(broker, outbox={"store": "disk"})
    said: list[str] = []

    def say(device, count: int) -> None:
        for _ in range(count):
            device.tell("say happy")
        said.extend(device.answer("said").split()[1] for _ in range(count))

    with Subscriber(broker, session="consumer") as heard:
        device = make_process(config)
        device.tell("connected")
        device.answer("connected")
        say(device, 40)
        for _ in range(20):  # killed while these are under way
            device.tell("say happy")
        broker.kill()
        said.extend(device.answer("said").split()[1] for _ in range(20))
        say(device, 60)
        device.kill()

        device = make_process(config)
        say(device, 40)
        broker.start()
        say(device, 40)
        heard.wait(lambda m: m.topic == f"{ROOT}/event" and said[-1] in m.payload.decode())

    assert len(said) == EVENTS == len(set(said))
    events = told(heard)
    assert {each["id"] for each in events} == set(said)
    first_times = list(dict.fromkeys(each["id"] for each in events))
    assert first_times == said
    late = {each["id"] for each in events if each["delayed"]}
    assert set(said[60:160]) <= late


@pytest.mark.broker
def test_a_device_that_stops_while_the_broker_is_away_tells_it_next_time(broker, make_device):
    config = config_for(broker, outbox={"store": "disk"})
    broker.kill()
    device = make_device(config)
    for _ in range(5):
        device.say("sad")
    device.stop(1.0)
    broker.start()
    with Subscriber(broker) as heard:
        make_device(config)
        heard.wait(lambda m: m.topic == f"{ROOT}/event" and b'"sequence":4' in m.payload)
        assert [each["sequence"] for each in told(heard)] == [0, 1, 2, 3, 4]
