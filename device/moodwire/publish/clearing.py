"""Takes back what the daemon left under a former identity, unless somebody else lives there now."""

from __future__ import annotations

import logging
import time
from typing import Final

from moodwire.publish.composer import HEALTH_SECONDS
from moodwire.publish.connection import Connection, Packet
from moodwire.publish.homeassistant import announces
from moodwire.publish.identity import Identities, Identity
from moodwire.publish.topics import OFFLINE

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.5 * HEALTH_SECONDS
"""Who lives under a name tells its health there at least twice meanwhile."""

SETTLE_SECONDS: Final = 10.0
"""After `offline`: another device to which the name was given may be about to come."""

TRIES: Final = 3
"""Connections that may end over it: some brokers throw out who asks for what is not his."""


class Former:
    """One former identity as the broker shows it; pure, the time is handed in.

    A device that comes at the very moment of clearing may lose what it has just told, until it
    tells it anew; one that is away loses nothing, because it tells everything when it comes.
    """

    def __init__(self, identity: Identity, present: Identity, now: float) -> None:
        self.identity = identity
        self.topics = [each for each in identity.retained if each not in present.retained]
        self.lives = False
        """Somebody speaks there."""
        self._found: set[str] = set()
        self._clear_at = now + LOOK_SECONDS

    def received(self, topic: str, payload: bytes, stored: bool, now: float) -> None:
        """Either what the broker had stored, or what somebody says there now."""
        identity = self.identity
        if topic not in self.topics or not payload:
            return
        if topic == identity.announcement and not announces(payload, identity.topics):
            return  # a device of this id below another prefix
        if topic == identity.topics.availability and payload == OFFLINE:
            self._clear_at = now + SETTLE_SECONDS
        elif not stored:
            self.lives = True
        self._found.add(topic)

    def next(self, now: float) -> str | None:
        """The topic to be cleared now."""
        if self.lives or now < self._clear_at:
            return None
        return next((each for each in self.topics if each in self._found), None)

    def cleared(self, topic: str) -> None:
        """Or refused by the broker."""
        self._found.discard(topic)

    def is_over(self, now: float) -> bool:
        return self.lives or (now >= self._clear_at and not self._found)


class Clearing:
    """One former identity after the other, of each one topic after the other; lives in the link's
    thread."""

    def __init__(self, present: Identity, identities: Identities) -> None:
        self._present = present
        self._identities = identities
        self._former: Former | None = None
        self._sent: tuple[int, str] | None = None
        self._cleared = 0
        self._refused: dict[str, str] = {}
        self._tries = 0

    @property
    def under_way(self) -> int:
        """Messages that were sent and are not acknowledged."""
        return 0 if self._sent is None else 1

    def connected(self) -> None:
        self._identities.speak_as(self._present)

    def disconnected(self) -> None:
        """What was not finished begins anew with another connection."""
        if self._former is not None:
            self._tries += 1
            if self._tries == TRIES:
                root = self._former.identity.topics.root
                log.warning("what is left under %s is not cleared before the next start", root)
        self._former = self._sent = None

    def received(self, topic: str, payload: bytes, stored: bool) -> None:
        if self._former is not None:
            self._former.received(topic, payload, stored, time.monotonic())

    def acknowledged(self, number: int, refusal: str | None) -> None:
        if self._former is None or self._sent is None or self._sent[0] != number:
            return
        topic, self._sent = self._sent[1], None
        self._former.cleared(topic)
        if refusal is None:
            self._cleared += 1
        else:
            self._refused[topic] = refusal

    def go_on(self, connection: Connection, now: float) -> None:
        """Called whenever nothing else is to be sent."""
        if self._sent is not None or self._tries >= TRIES:
            return
        if self._former is None:
            self._look(connection, now)
        elif topic := self._former.next(now):
            packet = Packet(topic, b"", qos=1, retain=True)
            self._sent = connection.publish(packet), topic
        elif self._former.is_over(now):
            self._leave(connection, self._former)

    def _look(self, connection: Connection, now: float) -> None:
        others = self._identities.other_than(self._present)
        if not others:
            return
        self._cleared, self._refused = 0, {}
        self._former = Former(others[0], self._present, now)
        connection.subscribe(*self._former.topics, as_published=False)

    def _leave(self, connection: Connection, former: Former) -> None:
        connection.unsubscribe(*former.topics)
        self._identities.forget(former.identity)
        self._former = None
        root = former.identity.topics.root
        if former.lives:
            log.info("another device is %s now; what is retained there stays", root)
        elif self._refused:
            log.warning(
                "the broker does not let us clear what is left under %s: %s; "
                "let another user do it: mosquitto_pub -r -n -t TOPIC",
                root,
                ", ".join(f"{topic} ({why})" for topic, why in self._refused.items()),
            )
        elif self._cleared:
            log.info("cleared %d messages that were left under %s", self._cleared, root)
        else:
            log.info("nothing is left under %s, or our user may not read it", root)
