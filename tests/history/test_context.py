"""Numbers of other sensors reach the history, through a real broker."""

from __future__ import annotations

import pytest
from broker import Subscriber
from kitchen import wait_until
from msgspec.structs import replace

from moodwire.config import Config, ContextTopic, History, Mqtt
from moodwire.history.context import ContextListener

TOPIC = "weather/temperature"


class Recorder:
    """Takes what the listener notes."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, float]] = []

    def note_context(self, utc: float, name: str, value: float) -> None:
        self.noted.append((name, value))


@pytest.mark.broker
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_numbers_that_come_now_are_noted_and_nothing_else_is(protocol, make_broker):
    broker = make_broker()
    history = History(context=[ContextTopic(name="Outdoors", topic=TOPIC, unit="°C")])
    mqtt = Mqtt(host=broker.host, port=broker.port, protocol=protocol)
    recorder = Recorder()
    listener = ContextListener(replace(Config(), mqtt=mqtt, history=history), recorder)
    with Subscriber(broker) as publisher:
        publisher.publish(TOPIC, "99.0", retain=True)  # of last year, for all we know
        listener.start()
        wait_until(lambda: "Sending SUBACK to moodwire-moodwire-context" in broker.log)
        for junk in ("warm", "nan", "inf", "1" * 65, ""):
            publisher.publish(TOPIC, junk)
        publisher.publish(TOPIC, "-3.5", retain=True)  # as most sensors do
        publisher.publish(TOPIC, "-4.0")
        wait_until(lambda: ("Outdoors", -4.0) in recorder.noted)
    listener.stop()
    assert recorder.noted == [("Outdoors", -3.5), ("Outdoors", -4.0)]


@pytest.mark.broker
def test_a_broker_that_refuses_our_user_is_told_of(make_broker, caplog):
    broker = make_broker(users={"kitchen": "secret"})
    history = History(context=[ContextTopic(name="Outdoors", topic=TOPIC, unit="°C")])
    mqtt = Mqtt(host=broker.host, port=broker.port, username="kitchen", password="forgotten")
    caplog.set_level("INFO")
    listener = ContextListener(replace(Config(), mqtt=mqtt, history=history), Recorder())
    listener.start()
    wait_until(lambda: "history.context waits for the broker" in caplog.text)
    listener.stop()
    assert "the broker refuses us, user kitchen" in caplog.text
