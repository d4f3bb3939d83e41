"""What is said on every connection: who we are, how things stand, and answers to commands."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Final

from moodwire.publish.clearing import Clearing
from moodwire.publish.commands import Command, CommandReader, Refusal, Request
from moodwire.publish.composer import answer
from moodwire.publish.connection import Packet
from moodwire.publish.dispatch import Dispatch
from moodwire.publish.homeassistant import BIRTH, Discovery
from moodwire.publish.publication import Delivery, Publication
from moodwire.publish.topics import OFFLINE, ONLINE, Topics

log = logging.getLogger(__name__)

BIRTH_DELAY_SECONDS: Final = (0.2, 1.5)
"""After Home Assistant's birth: not all devices of a house at once."""

NEVER: Final = float("inf")


class Conversation:
    """The listener of every connection, one after the other; lives in the link's thread."""

    def __init__(
        self,
        topics: Topics,
        discovery: Discovery,
        reader: CommandReader,
        dispatch: Dispatch,
        clearing: Clearing,
        on_command: Callable[[Command], None],
    ) -> None:
        self._topics = topics
        self._discovery = discovery
        self._reader = reader
        self._dispatch = dispatch
        self._clearing = clearing
        self._on_command = on_command
        self.announce_at = NEVER

    @property
    def filters(self) -> list[str]:
        """Never our own values: only commands, and what concerns the announcement."""
        discovery = self._discovery
        return [
            self._topics.commands,
            discovery.birth_topic if discovery.enabled else discovery.topic,
        ]

    def greet(self) -> None:
        self._dispatch.connected(self._announcement())
        self._dispatch.tell_once([self._online])

    def acknowledged(self, number: int, refusal: str | None, unread: bool) -> None:
        self._dispatch.acknowledged(number, refusal, time.monotonic())
        self._clearing.acknowledged(number, refusal)

    def received(self, topic: str, payload: bytes, retained: bool) -> None:
        if topic == self._discovery.birth_topic:
            # A retained birth is an old one, and we have just announced ourselves.
            if payload == BIRTH and not retained:
                self.announce_at = time.monotonic() + random.uniform(*BIRTH_DELAY_SECONDS)
        elif topic == self._discovery.topic:
            if not self._discovery.enabled:
                self._dispatch.tell_once(self._discovery.withdrawal(payload))
        elif (control := self._topics.control_of(topic)) is not None:
            self._take(Request(control, payload, retained))
        else:
            self._clearing.received(topic, payload, retained)

    def announce_when_due(self) -> None:
        if time.monotonic() >= self.announce_at:
            self.announce_at = NEVER
            self._dispatch.announce(self._announcement())
            self._dispatch.tell_once([self._online])

    def goodbye(self) -> Packet:
        return Packet(self._topics.availability, OFFLINE, qos=1, retain=True)

    def _announcement(self) -> list[Publication]:
        return [self._discovery.announcement()] if self._discovery.enabled else []

    @property
    def _online(self) -> Publication:
        """After the values: until then the broker holds the mood of before, maybe of last night."""
        return Publication(self._topics.availability, ONLINE, Delivery.VALUE)

    def _take(self, request: Request) -> None:
        verdict = self._reader.read(request)
        if isinstance(verdict, Refusal):
            log.info("refused set/%s: %s", verdict.control, verdict.detail)
            told = answer(self._topics, verdict.control, False, verdict.detail)
            self._dispatch.accept([told])
        elif verdict is not None:
            self._on_command(verdict)
