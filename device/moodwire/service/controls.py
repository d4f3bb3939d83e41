"""What people set from afar, on top of the configuration file; survives restarts.

The file in the state directory is written when somebody sets something and at no other time. A
value that was set holds until the configuration file itself says something else than it did then:
whoever edits the file means it, but not before it is read anew.
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
from moodwire.config import Config, ConfigFile, ProfileName
from moodwire.config.checks import contradictions
from moodwire.unreadable import UNREADABLE

log = logging.getLogger(__name__)

FILE_NAME: Final = "controls.json"

SETTINGS: Final = {"threshold": "enter", "exit_threshold": "exit", "hold": "hold"}
"""Control -> field of [decision]."""

Apply = Callable[[Config], None]
"""Puts a configuration in force; raises and changes nothing where it cannot be used."""


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
    """A wish that makes no sense as things are; the message says why."""


@dataclass(slots=True)
class Controls:
    """The configuration as it is in force."""

    file: ConfigFile
    state: Path
    chosen: Chosen = field(default_factory=Chosen)

    @classmethod
    def read(cls, file: ConfigFile, state: Path) -> Controls:
        path = state / FILE_NAME
        try:
            return cls(file, state, msgspec.json.decode(path.read_bytes(), type=Chosen))
        except FileNotFoundError:
            return cls(file, state)
        except (OSError, *UNREADABLE) as error:
            # a mute that cannot be read is better believed than lifted
            log.error("%s cannot be read (%s): starting muted; unmute to mend it", path, error)
            return cls(file, state, Chosen(muted=True))

    def config(self) -> Config:
        """The file as it was last read, with what was chosen laid over it."""
        return _config(self.file, self.chosen)

    def reload(self, apply: Apply) -> None:
        """The file as it is now; the one before, where it is refused."""
        file = self.file.read_anew()
        apply(_config(file, self.chosen))
        self.file = file

    def mute(self, muted: bool) -> None:
        self._keep(msgspec.structs.replace(self.chosen, muted=muted))

    def choose_profile(self, name: str, apply: Apply) -> None:
        """The other profile's values count from now on, not what was set in the old one."""
        chosen = Chosen(
            muted=self.chosen.muted,
            profile=msgspec.convert(name, ProfileName),
            profile_instead_of=self.file.config().profile,
        )
        self._choose(chosen, apply)

    def choose(self, control: str, value: float, apply: Apply) -> None:
        written = _for_profile(self.file, self.chosen)
        choice = Choice(value=value, instead_of=getattr(written.decision, SETTINGS[control]))
        settings = {**_in_force(written, self.chosen), control: choice}
        if problems := contradictions(_lay_over(written, settings)):
            raise RefusedError(problems[0].message)
        self._choose(msgspec.structs.replace(self.chosen, settings=settings), apply)

    def _choose(self, chosen: Chosen, apply: Apply) -> None:
        """What is refused is not kept: the next start could use it no more, and would end."""
        apply(_config(self.file, chosen))
        self._keep(chosen)

    def _keep(self, chosen: Chosen) -> None:
        """In force even where it cannot be kept; on disk whole, the old or the new."""
        self.chosen = chosen
        text = json.dumps(msgspec.to_builtins(chosen), indent=1)
        durable.replace(self.state / FILE_NAME, text.encode() + b"\n", 0o600)


def _config(file: ConfigFile, chosen: Chosen) -> Config:
    written = _for_profile(file, chosen)
    return _lay_over(written, _in_force(written, chosen))


def _for_profile(file: ConfigFile, chosen: Chosen) -> Config:
    """As it stands, for the profile that was chosen."""
    written = file.config()
    if chosen.profile is not None and written.profile == chosen.profile_instead_of:
        written = file.config(chosen.profile)
    return written


def _in_force(written: Config, chosen: Chosen) -> dict[str, Choice]:
    """Of what was chosen, all that the file has not overruled; none where they contradict."""
    settings = {
        control: choice
        for control, choice in chosen.settings.items()
        if control in SETTINGS and getattr(written.decision, SETTINGS[control]) == choice.instead_of
    }
    return {} if contradictions(_lay_over(written, settings)) else settings


def _lay_over(written: Config, settings: dict[str, Choice]) -> Config:
    values = {SETTINGS[control]: choice.value for control, choice in settings.items()}
    decision = msgspec.structs.replace(written.decision, **values)
    return msgspec.structs.replace(written, decision=decision)
