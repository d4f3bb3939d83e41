"""May this device log in, write every topic that it uses, and is it announced to Home Assistant.

Each topic gets back word for word what it retains; one that retains nothing gets an empty message,
which nobody takes for a value. So whoever looks on sees nothing new.
Version 5 of the protocol is spoken whatever the configuration says, because under 3.1.1 a broker
throws away what it does not allow without a word.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from moodwire.diagnostics.finding import Findings, broken, fine, warning
from moodwire.diagnostics.subject import Subject
from moodwire.publish.broker import Broker
from moodwire.publish.connection import Connection, ConnectionFailedError, Packet
from moodwire.publish.hardware import hardware
from moodwire.publish.homeassistant import Discovery
from moodwire.publish.topics import Topics

PATIENCE_SECONDS = 5.0
RETAINED_SECONDS = 1.0
"""Retained messages come right after subscribing; nothing says which was the last."""


class Probe:
    """One connection to the broker under a name of its own, so that the service keeps its own."""

    def __init__(self, broker: Broker, device: str) -> None:
        self.refusals: dict[int, str | None] = {}
        self.retained: dict[str, bytes] = {}
        self.connection = Connection(
            replace(broker, protocol="5"), f"moodwire-{device}-doctor", self
        )

    def ready(self) -> None:
        """Asked with `is_ready`."""

    def acknowledged(self, number: int, refusal: str | None) -> None:
        self.refusals[number] = refusal

    def received(self, topic: str, payload: bytes, retained: bool) -> None:
        if retained:
            self.retained[topic] = payload

    def wait(self, done: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
        """Works the connection until `done`, its end, or the time is over."""
        deadline = monotonic() + seconds
        wake = os.eventfd(0)
        try:
            while not done() and self.connection.ended is None and monotonic() < deadline:
                self.connection.step(wake, min(0.1, deadline - monotonic()))
        finally:
            os.close(wake)
        return done()

    def read_retained(self, *filters: str) -> None:
        """What there is comes at once."""
        self.connection.subscribe(*filters)
        self.wait(lambda: False, RETAINED_SECONDS)

    def refused(self, *topics: str) -> dict[str, str]:
        """Topic -> why the broker does not take a message there."""
        packets = [
            Packet(topic, kept, 1, bool(kept))
            for topic in topics
            for kept in (self.retained.get(topic, b""),)
        ]
        numbers = {packet.topic: self.connection.publish(packet) for packet in packets}
        self.wait(lambda: set(numbers.values()) <= set(self.refusals))
        silence = "no acknowledgement"
        answers = {topic: self.refusals.get(number, silence) for topic, number in numbers.items()}
        return {topic: why for topic, why in answers.items() if why is not None}


def look_at_topics(about: Subject, broker: Broker) -> Findings:
    mqtt, device = about.config.mqtt, about.config.device.id
    probe = Probe(broker, device)
    who = f"user {broker.username}" if broker.username else "anonymous"
    try:
        probe.connection.open()
        probe.wait(lambda: probe.connection.is_ready)
        reason = probe.connection.ended
    except ConnectionFailedError as error:
        reason = str(error)
    if not probe.connection.is_ready:
        yield broken(
            "login",
            reason or "the broker said nothing",
            "see mqtt.username and mqtt.password_file; on the broker: "
            f"mosquitto_passwd -b FILE {broker.username or 'USER'} PASSWORD, then reload it",
        )
        return
    yield fine("login", who)
    topics = Topics(mqtt.prefix, device)
    labels = about.bundle.labels if about.bundle else ()
    discovery = Discovery(about.config, topics, labels, hardware(about.root))
    probe.read_retained(f"{topics.root}/#", discovery.topic, discovery.birth_topic)
    try:
        yield from _topics(probe, topics, who)
        if discovery.enabled:
            yield from _discovery(probe, discovery, who)
    finally:
        probe.connection.disconnect()


def _topics(probe: Probe, topics: Topics, who: str) -> Findings:
    used = [
        topics.availability, topics.source, topics.state, topics.mood, topics.confidence,
        topics.speech, topics.level, topics.event, topics.alert, topics.health, topics.result,
        topics.control("mute"),
    ]  # fmt: skip
    if refused := probe.refused(*used):
        topic, why = next(iter(refused.items()))
        yield broken(
            "topics",
            f"{len(refused)} of {len(used)} refused, first {topic}: {why}",
            f"allow {who} on the broker: topic readwrite {topics.root}/# (in its acl_file)",
        )
    else:
        yield fine("topics", f"may write all {len(used)} below {topics.root}")


def _discovery(probe: Probe, discovery: Discovery, who: str) -> Findings:
    topic = discovery.topic
    announced = probe.retained.get(topic, b"")
    if refused := probe.refused(topic):
        yield broken(
            "Home Assistant",
            f"{topic}: {refused[topic]}",
            f"allow {who} on the broker: topic readwrite {topic}; "
            f"topic read {discovery.birth_topic}",
        )
    elif announced:
        said = probe.retained.get(discovery.birth_topic, b"").decode(errors="replace")
        alive = f"; Home Assistant says {said}" if said else ""
        yield fine("Home Assistant", f"announced in {topic}, {len(announced)} bytes{alive}")
    else:
        yield warning(
            "Home Assistant",
            f"not announced yet in {topic}",
            "the service announces it when it connects: sudo systemctl start moodwire",
        )
