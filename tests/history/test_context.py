"""Numbers of other sensors reach the history, through a real broker."""

from __future__ import annotations

import threading

import pytest
from broker import Subscriber
from msgspec.structs import replace

from moodwire.config import Config, ContextTopic, History, Mqtt
from moodwire.history.context import ContextListener

TOPIC = "weather/temperature"


class Recorder:
    """Takes what the listener notes."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, float]] = []
        self.came = threading.Event()

    def note_context(self, utc: float, name: str, value: float) -> None:
        self.noted.append((name, value))
        self.came.set()


@pytest.mark.broker
def test_numbers_are_noted_and_nothing_else_is(make_broker):
    broker = make_broker()
    history = History(context=[ContextTopic(name="Outdoors", topic=TOPIC, unit="°C")])
    mqtt = Mqtt(host=broker.host, port=broker.port)
    recorder = Recorder()
    listener = ContextListener(replace(Config(), mqtt=mqtt, history=history), recorder)
    with Subscriber(broker) as publisher:
        publisher.publish(TOPIC, "99.0", retain=True)  # of last year, for all we know
        listener.start()
        for _ in range(600):  # until the listener has subscribed
            for junk in ("warm", "nan", "inf", "1" * 65, ""):
                publisher.publish(TOPIC, junk)
            publisher.publish(TOPIC, "-3.5")
            if recorder.came.wait(0.1):
                break
    listener.stop()
    assert set(recorder.noted) == {("Outdoors", -3.5)}
