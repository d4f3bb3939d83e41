"""The names under which the daemon has spoken: what it left under an old one is to be cleared.

The file in the state directory is written when device.id, mqtt.prefix or home_assistant.prefix has
changed and at no other time.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import msgspec

from moodwire import durable
from moodwire.config import Config
from moodwire.config.sections import Identifier, TopicPrefix
from moodwire.publish.homeassistant import announcement_topic
from moodwire.publish.topics import Topics
from moodwire.unreadable import UNREADABLE

log = logging.getLogger(__name__)

FILE_NAME: Final = "identities.json"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """All that the topics of a device are made of."""

    prefix: TopicPrefix
    device: Identifier
    home_assistant: TopicPrefix

    @property
    def topics(self) -> Topics:
        return Topics(self.prefix, self.device)

    @property
    def announcement(self) -> str:
        return announcement_topic(self.home_assistant, self.topics)

    @property
    def retained(self) -> list[str]:
        """In the order of clearing: Home Assistant forgets the device before its values go."""
        return [self.announcement, *self.topics.values, self.topics.availability]


def identity_of(config: Config) -> Identity:
    return Identity(
        prefix=config.mqtt.prefix,
        device=config.device.id,
        home_assistant=config.home_assistant.prefix,
    )


class Identities:
    """Those under which something may be left, and last the one that speaks now.

    Where the file cannot be read or written, only what happens in this run is known.
    """

    def __init__(self, path: Path, spoken: list[Identity]) -> None:
        self._path = path
        self._spoken = spoken

    @classmethod
    def read(cls, state: Path) -> Identities:
        path = state / FILE_NAME
        try:
            return cls(path, msgspec.json.decode(path.read_bytes(), type=list[Identity]))
        except FileNotFoundError:
            return cls(path, [])
        except (OSError, *UNREADABLE) as error:
            log.warning("%s cannot be read (%s): old topics are not cleared", path, error)
            return cls(path, [])

    def other_than(self, present: Identity) -> list[Identity]:
        return [each for each in self._spoken if each != present]

    def speak_as(self, present: Identity) -> None:
        """To be called before anything is said."""
        self._keep([*self.other_than(present), present])

    def forget(self, cleared: Identity) -> None:
        self._keep(self.other_than(cleared))

    def _keep(self, spoken: list[Identity]) -> None:
        if spoken == self._spoken:
            return
        self._spoken = spoken
        try:
            durable.replace(self._path, msgspec.json.encode(spoken) + b"\n", 0o600)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error.strerror)
