"""What is sent next, and what an acknowledgement means. No network, no thread; time is handed in.

Order: values that changed, then answers, then the outbox. At most `room` messages are under way,
so that a slow broker makes nothing grow: of a value only the newest waits.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from typing import Final

from moodwire.publish.clock import Clock
from moodwire.publish.connection import Packet
from moodwire.publish.outage import RefusedTopics
from moodwire.publish.outbox import Outbox, as_sent_late
from moodwire.publish.publication import Delivery, Publication
from moodwire.publish.store import Entry
from moodwire.unreadable import UNREADABLE

log = logging.getLogger(__name__)

ANSWERS_KEPT: Final = 32
REFUSED_RETRY_SECONDS: Final = 60.0
"""Rights on the broker are mended by people, who do not restart us for it."""


class Dispatch:
    """`accept` comes from any thread, everything else from the link's."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._lock = threading.Lock()
        self._connected = False
        self._values: dict[str, Publication] = {}
        self._unsent: dict[str, Publication] = {}
        self._answers: deque[Publication] = deque(maxlen=ANSWERS_KEPT)
        self._punctual: set[int] = set()
        self._under_way: dict[int, Packet] = {}
        self._cursor = 0
        self._refused: dict[str, Packet] = {}
        """The last of each topic; until the retry its events wait."""

        self._retry_at = float("inf")
        self._refused_topics = RefusedTopics(log)
        self.refused = 0

    @property
    def idle(self) -> bool:
        """Everything that `next` gave was acknowledged, and it gave everything it had."""
        return not (self._unsent or self._answers or self._under_way)

    def awaits(self, number: int) -> bool:
        return number in self._under_way

    def accept(self, publications: Iterable[Publication]) -> None:
        with self._lock:
            for each in publications:
                match each.delivery:
                    case Delivery.VALUE:
                        self._values[each.topic] = each
                        self._unsent[each.topic] = each
                    case Delivery.ANSWER:
                        if self._connected:
                            self._answers.append(each)
                    case Delivery.EVENT:
                        self._accept_event(each)

    def connected(self, first: Iterable[Publication]) -> None:
        """Everything is told again, beginning with `first`."""
        with self._lock:
            self._connected = True
            self._unsent = {each.topic: each for each in first} | self._values
            self._cursor = 0

    def announce(self, first: Iterable[Publication]) -> None:
        """As after connecting, but events that were sent are not sent again."""
        with self._lock:
            self._unsent = {each.topic: each for each in first} | self._values

    def tell_once(self, publications: Iterable[Publication]) -> None:
        """Retained by the broker, but not told again on the next connection."""
        with self._lock:
            self._unsent |= {each.topic: each for each in publications}

    def disconnected(self) -> None:
        """What was under way counts as not sent."""
        with self._lock:
            self._connected = False
            self._punctual.clear()
            self._answers.clear()
            self._under_way.clear()
            self._refused.clear()
            self._retry_at = float("inf")

    def sent(self, number: int, packet: Packet) -> None:
        if packet.qos:
            self._under_way[number] = packet

    def acknowledged(self, number: int, refusal: str | None, now: float) -> None:
        """Only a broker that says yes has taken an event over."""
        packet = self._under_way.pop(number, None)
        if packet is None:
            return
        if refusal is None:
            self._refused_topics.over(packet.topic)
            if packet.key is not None:
                self._outbox.remove(packet.key)
                self._punctual.discard(packet.key)
            else:
                self._refused.pop(packet.topic, None)
            return
        self.refused += 1
        self._refused_topics.begun(packet.topic, refusal, now)
        self._refused[packet.topic] = packet
        self._retry_at = min(self._retry_at, now + REFUSED_RETRY_SECONDS)
        if packet.key is not None:
            self._punctual.discard(packet.key)

    def next(self, room: int, now: float) -> Packet | None:
        """None: nothing to send, or too much under way."""
        if len(self._under_way) >= room:
            return None
        if now >= self._retry_at:
            self._retry()
        with self._lock:
            if self._unsent:
                topic = next(iter(self._unsent))
                return _packet(self._unsent.pop(topic))
            if self._answers:
                return _packet(self._answers.popleft())
        return self._next_event()

    def _retry(self) -> None:
        """What was refused is sent again: values the newest, events in order."""
        refused = [each for each in self._refused.values() if each.key is None]
        with self._lock:
            again = {each.topic: self._values.get(each.topic) or _value(each) for each in refused}
            self._unsent = again | self._unsent
        self._refused.clear()
        self._retry_at = float("inf")
        self._cursor = 0

    def _accept_event(self, event: Publication) -> None:
        if event.stamp is None:
            raise ValueError(f"an event on {event.topic} without the time it was heard at")
        key = self._outbox.append(event.topic, event.payload, event.stamp)
        if self._connected:
            self._punctual.add(key)

    def _next_event(self) -> Packet | None:
        on_the_way = {packet.key for packet in self._under_way.values()}
        while entries := self._outbox.after(self._cursor, 1):
            entry = entries[0]
            self._cursor = entry.key
            if entry.key in on_the_way or entry.topic in self._refused:
                continue
            payload = self._payload(entry)
            if payload is not None:
                return Packet(entry.topic, payload, qos=1, retain=False, key=entry.key)
        return None

    def _payload(self, entry: Entry) -> bytes | None:
        if entry.key in self._punctual:
            return entry.payload
        try:
            return as_sent_late(entry, self._clock)
        except (*UNREADABLE, ValueError) as error:
            log.error("an event in the outbox cannot be read and is given up: %s", error)
            self._outbox.give_up(entry.key)
            return None


def _packet(publication: Publication) -> Packet:
    return Packet(publication.topic, publication.payload, publication.qos, publication.retain)


def _value(packet: Packet) -> Publication:
    return Publication(packet.topic, packet.payload, Delivery.VALUE)
