"""Discovery by Home Assistant: one retained message that describes the whole device."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from typing import Final

import msgspec

import moodwire
from moodwire.config import Config, Web
from moodwire.publish.components import Component, Features, components, hearing, reachable
from moodwire.publish.hardware import Hardware
from moodwire.publish.publication import Delivery, Publication
from moodwire.publish.topics import Topics
from moodwire.unreadable import UNREADABLE

ORIGIN: Final = "Moodwire"
BIRTH: Final = b"online"


class Discovery:
    """The message, where it goes, and how it is taken back."""

    def __init__(
        self,
        config: Config,
        topics: Topics,
        labels: tuple[str, ...],
        hardware: Hardware,
        *,
        can_restart: bool = True,
    ) -> None:
        prefix = config.home_assistant.prefix
        self.enabled = config.home_assistant.enabled
        self.birth_topic = f"{prefix}/status"
        self.topic = announcement_topic(prefix, topics)
        self._features = Features(config, topics, labels, hardware, can_restart)

    def announcement(self) -> Publication:
        return Publication(self.topic, self._encoded(self._features), Delivery.VALUE)

    def would_be(self, found: bytes) -> bool:
        """Whether a service with this configuration announces that, whatever it listens to."""
        ways = (replace(self._features, can_restart=each) for each in (True, False))
        return found in map(self._encoded, ways)

    @property
    def state_topics(self) -> list[str]:
        """What Home Assistant subscribes to once it has accepted the announcement."""
        entries = self._message(self._features)["components"].values()
        shown = (each for each in entries if each.get("enabled_by_default", True))
        return sorted({each["state_topic"] for each in shown if "state_topic" in each})

    def withdrawal(self, found: bytes) -> list[Publication]:
        """Of what an earlier run announced, and only of that; `found` is what the topic holds."""
        try:
            origin = msgspec.json.decode(found, type=_Announced).origin.name
        except UNREADABLE:
            return []
        return [Publication(self.topic, b"", Delivery.VALUE)] if origin == ORIGIN else []

    def _encoded(self, features: Features) -> bytes:
        return msgspec.json.encode(self._message(features))

    def _message(self, features: Features) -> Component:
        topics = features.topics
        return {
            "device": self._device(),
            "origin": {"name": ORIGIN, "sw_version": moodwire.__version__},
            "availability": [reachable(topics), hearing(topics)],
            "availability_mode": "all",
            "components": {
                name: self._component(name, platform, entry)
                for name, (platform, entry) in components(features).items()
            },
        }

    def _component(self, name: str, platform: str, entry: Component | None) -> Component:
        """A platform and nothing else removes an entity that was there before."""
        if entry is None:
            return {"platform": platform}
        words = f"{self._features.topics.device} {entry['name'] or ''}"
        return {
            "platform": platform,
            "unique_id": f"{_device_id(self._features.topics)}_{name}",
            "default_entity_id": f"{platform}.{_slug(words)}",
            **entry,
        }

    def _device(self) -> Component:
        config, hardware = self._features.config, self._features.hardware
        known = {
            "identifiers": [_device_id(self._features.topics)],
            "name": config.device.name,
            "manufacturer": ORIGIN,
            "model": "Voice mood sensor",
            "model_id": "moodwire",
            "serial_number": hardware.serial,
            "sw_version": moodwire.__version__,
            "hw_version": hardware.model,
            "suggested_area": config.device.area,
            "configuration_url": _page(config.web, hardware.host),
        }
        return {name: value for name, value in known.items() if value}


class _Origin(msgspec.Struct):
    name: str


class _Availability(msgspec.Struct):
    topic: str


class _Announced(msgspec.Struct):
    """The part of a discovery message that says who wrote it, and of which device."""

    origin: _Origin
    availability: list[_Availability] = []


def announcement_topic(prefix: str, topics: Topics) -> str:
    """`prefix` is Home Assistant's."""
    return f"{prefix}/device/{_device_id(topics)}/config"


def announces(found: bytes, topics: Topics) -> bool:
    """Whether that is the announcement of a device with these topics: its own topic is made of the
    id alone."""
    try:
        announced = msgspec.json.decode(found, type=_Announced)
    except UNREADABLE:
        return False
    told = [each.topic for each in announced.availability]
    return announced.origin.name == ORIGIN and topics.availability in told


def _device_id(topics: Topics) -> str:
    return f"moodwire_{topics.device}"


def _slug(words: str) -> str:
    """As Home Assistant makes ids of names."""
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _page(web: Web, host: str) -> str:
    """Of this device's own page, where others can reach it; they find it by multicast DNS."""
    try:
        address = ip_address(web.address)
    except ValueError:
        return ""
    if not web.enabled or not web.port or address.is_loopback:
        return ""
    if not address.is_unspecified:
        shown = f"[{address}]" if address.version == 6 else str(address)
        return f"http://{shown}:{web.port}/"
    return f"http://{host.partition('.')[0]}.local:{web.port}/" if host else ""
