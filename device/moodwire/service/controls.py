"""What people set from afar, on top of the configuration file; survives restarts.

The file in the state directory is written when somebody sets something and at no other time. A
value that was set holds until the configuration file itself says something else than it did then:
whoever edits the file means it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from moodwire import durable
from moodwire.config import Config, ProfileName
from moodwire.config.checks import contradictions
from moodwire.unreadable import UNREADABLE

log = logging.getLogger(__name__)

FILE_NAME: Final = "controls.json"

SETTINGS: Final = {"threshold": "enter", "exit_threshold": "exit", "hold": "hold"}
"""Control -> field of [decision]."""

Load = Callable[[ProfileName | None], Config]
"""Reads the configuration file, for its own profile or another one."""


class Choice(msgspec.Struct, frozen=True):
    """A value that somebody chose, and what the file said at the time."""

    value: float
    instead_of: float


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    muted: bool = False
    profile: ProfileName | None = None
    profile_instead_of: ProfileName | None = None
    settings: dict[str, Choice] = {}


class RefusedError(ValueError):
    """A wish that makes no sense with the other settings; the message says why."""


@dataclass(slots=True)
class Controls:
    """The configuration as it is in force."""

    load: Load
    state: Path
    chosen: Chosen = field(default_factory=Chosen)

    @classmethod
    def read(cls, load: Load, state: Path) -> Controls:
        path = state / FILE_NAME
        try:
            return cls(load, state, msgspec.json.decode(path.read_bytes(), type=Chosen))
        except FileNotFoundError:
            return cls(load, state)
        except (OSError, *UNREADABLE) as error:
            # a mute that cannot be read is better believed than lifted
            log.error("%s cannot be read (%s): starting muted; unmute to mend it", path, error)
            return cls(load, state, Chosen(muted=True))

    def config(self) -> Config:
        """The file, with what was chosen laid over it."""
        file = self._file()
        return _lay_over(file, self._in_force(file))

    def mute(self, muted: bool) -> None:
        """In force even where it cannot be kept."""
        self.chosen = msgspec.structs.replace(self.chosen, muted=muted)
        self._keep(self.chosen)

    def choose_profile(self, name: str) -> None:
        """The other profile's values count from now on, not what was set in the old one."""
        profile = msgspec.convert(name, ProfileName)
        self.load(profile)
        self._keep(
            Chosen(
                muted=self.chosen.muted,
                profile=profile,
                profile_instead_of=self.load(None).profile,
            )
        )

    def choose(self, control: str, value: float) -> None:
        file = self._file()
        choice = Choice(value=value, instead_of=getattr(file.decision, SETTINGS[control]))
        settings = {**self._in_force(file), control: choice}
        if problems := contradictions(_lay_over(file, settings)):
            raise RefusedError(problems[0].message)
        self._keep(msgspec.structs.replace(self.chosen, settings=settings))

    def _file(self) -> Config:
        """As it stands, for the profile that was chosen."""
        chosen, config = self.chosen, self.load(None)
        if chosen.profile is not None and config.profile == chosen.profile_instead_of:
            config = self.load(chosen.profile)
        return config

    def _in_force(self, file: Config) -> dict[str, Choice]:
        """Of what was chosen, all that the file has not overruled; none where they contradict."""
        settings = {
            control: choice
            for control, choice in self.chosen.settings.items()
            if control in SETTINGS
            and getattr(file.decision, SETTINGS[control]) == choice.instead_of
        }
        return {} if contradictions(_lay_over(file, settings)) else settings

    def _keep(self, chosen: Chosen) -> None:
        """On disk first and whole, so that a power cut leaves the old or the new."""
        text = json.dumps(msgspec.to_builtins(chosen), indent=1)
        durable.replace(self.state / FILE_NAME, text.encode() + b"\n", 0o600)
        self.chosen = chosen


def _lay_over(file: Config, settings: dict[str, Choice]) -> Config:
    values = {SETTINGS[control]: choice.value for control, choice in settings.items()}
    return msgspec.structs.replace(file, decision=msgspec.structs.replace(file.decision, **values))
