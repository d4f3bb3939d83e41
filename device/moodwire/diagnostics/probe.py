"""A connection to the broker that tries what the service does, and changes nothing.

Each topic gets back word for word what it retains; one that retains nothing gets an empty message,
which is taken for no value. So whoever looks on sees nothing new.
Version 5 of the protocol is spoken whatever the configuration says, because under 3.1.1 a broker
throws away what it does not allow without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

from moodwire.publish.broker import Broker
from moodwire.publish.connection import Connection, ConnectionFailedError, Packet

PATIENCE_SECONDS = 5.0
RETAINED_SECONDS = 1.0
"""Retained messages come right after subscribing; nothing says which was the last."""


@dataclass(frozen=True)
class Answer:
    """What the broker made of a message."""

    refusal: str | None
    unread: bool = False
    """It says that nobody subscribes to the topic; a broker need not tell."""


class Probe:
    """One connection under a name of its own, so that the service keeps its own."""

    def __init__(self, broker: Broker, device: str) -> None:
        self.retained: dict[str, bytes] = {}
        self._answers: dict[int, Answer] = {}
        self._connection = Connection(
            replace(broker, protocol="5"), f"moodwire-{device}-doctor", self
        )

    def log_in(self) -> str | None:
        """Why not; None if all is well."""
        connection = self._connection
        try:
            connection.open()
            self._wait(lambda: connection.is_ready)
        except ConnectionFailedError as error:
            return str(error)
        return None if connection.is_ready else connection.ended or "the broker said nothing"

    def log_out(self) -> None:
        self._connection.disconnect()

    def read_retained(self, *filters: str) -> None:
        """Subscribes only for so long: `try_topics` tells whether anybody else reads a topic."""
        self._connection.subscribe(*filters)
        self._wait(lambda: False, RETAINED_SECONDS)
        self._connection.unsubscribe(*filters)

    def try_topics(self, *topics: str) -> dict[str, Answer]:
        numbers = {topic: self._connection.publish(self._present(topic)) for topic in topics}
        self._wait(lambda: set(numbers.values()) <= set(self._answers))
        silence = Answer("no acknowledgement")
        return {topic: self._answers.get(number, silence) for topic, number in numbers.items()}

    def acknowledged(self, number: int, refusal: str | None, unread: bool) -> None:
        self._answers[number] = Answer(refusal, unread)

    def received(self, topic: str, payload: bytes, retained: bool) -> None:
        if retained:
            self.retained[topic] = payload

    def _present(self, topic: str) -> Packet:
        payload = self.retained.get(topic, b"")
        return Packet(topic, payload, qos=1, retain=bool(payload))

    def _wait(self, done: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Works the connection until `done`, its end, or the time is over."""
        deadline = monotonic() + seconds
        while not done() and self._connection.ended is None and monotonic() < deadline:
            self._connection.step(min(0.1, deadline - monotonic()))
