"""What is handed to a publisher, and what every publisher can do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from moodwire.publish.clock import Stamp


class Delivery(Enum):
    """What a publisher owes to a message."""

    VALUE = "value"
    """Retained; only the newest counts; told again on every connection."""

    EVENT = "event"
    """Happened once: kept until the broker has it, told at least once, in order."""

    ANSWER = "answer"
    """Now or never."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One message on its way out."""

    topic: str
    payload: bytes
    """Empty for a value that is no longer known: the broker forgets it."""

    delivery: Delivery
    stamp: Stamp | None = None
    """Of events only."""

    @property
    def retain(self) -> bool:
        return self.delivery is Delivery.VALUE

    @property
    def qos(self) -> int:
        return 0 if self.delivery is Delivery.ANSWER else 1


@dataclass(frozen=True, slots=True)
class Counters:
    """What a publisher tells about itself."""

    reconnects: int = 0
    """Connections after the first."""

    queue: int = 0
    """Events that wait for the broker."""

    dropped: int = 0
    """Events given up because the outbox was full or they were too old."""

    refused: int = 0
    """Times that the broker refused a message (rights, quota); what was refused is sent again."""


class Publisher(Protocol):
    """The way out: MQTT or the console."""

    @property
    def connected(self) -> bool:
        """To a broker, so never where none is to be used."""
        ...

    @property
    def counters(self) -> Counters: ...

    def start(self) -> None: ...

    def publish(self, publications: Iterable[Publication]) -> None:
        """From any thread; never waits for the network. On return an event is in the outbox."""

    def stop(self, timeout: float) -> None:
        """Says `offline` and is gone after at most `timeout` seconds."""
