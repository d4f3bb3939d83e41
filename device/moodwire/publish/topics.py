"""Which topics a device speaks and listens on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from moodwire.config import CONTROLS

ONLINE: Final = b"online"
OFFLINE: Final = b"offline"
"""What the availability topic says."""


@dataclass(frozen=True, slots=True)
class Topics:
    """All under `<prefix>/<device>/`, which the configuration has checked."""

    prefix: str
    device: str

    @property
    def root(self) -> str:
        return f"{self.prefix}/{self.device}"

    @property
    def availability(self) -> str:
        return f"{self.root}/availability"

    @property
    def source(self) -> str:
        return f"{self.root}/source"

    @property
    def state(self) -> str:
        return f"{self.root}/state"

    @property
    def mood(self) -> str:
        return f"{self.root}/mood"

    @property
    def confidence(self) -> str:
        return f"{self.root}/confidence"

    @property
    def speech(self) -> str:
        return f"{self.root}/speech"

    @property
    def level(self) -> str:
        return f"{self.root}/level"

    @property
    def event(self) -> str:
        return f"{self.root}/event"

    @property
    def alert(self) -> str:
        return f"{self.root}/alert"

    @property
    def health(self) -> str:
        return f"{self.root}/health"

    @property
    def result(self) -> str:
        return f"{self.root}/result"

    @property
    def values(self) -> list[str]:
        """All that are retained but `availability`."""
        told = [self.source, self.state, self.mood, self.confidence, self.speech, self.level]
        return [*told, self.health, *(self.control(each) for each in CONTROLS)]

    @property
    def commands(self) -> str:
        """The one filter that a device subscribes to below its own root."""
        return f"{self.root}/set/#"

    def command(self, control: str) -> str:
        return f"{self.root}/set/{control}"

    def control(self, control: str) -> str:
        """Where the present value of a control is told."""
        return f"{self.root}/control/{control}"

    def control_of(self, topic: str) -> str | None:
        """The control that a command topic names; None for a topic that is no command."""
        head = f"{self.root}/set/"
        return topic.removeprefix(head) if topic.startswith(head) else None
