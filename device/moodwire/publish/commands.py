"""What can be asked of a device on `set/<control>`, and how a request is refused.

The broker's rights say who may ask. Whatever arrives all the same is read as if by a stranger:
bounded, checked against the bounds that the configuration has, and answered.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, get_type_hints

from msgspec import Meta

from moodwire.config import Decision

PAYLOAD_MAXIMUM: Final = 256
"""Bytes; the longest value that makes sense is a profile's name."""

PRESS: Final = "PRESS"
ShareControl = Literal["threshold", "exit_threshold"]


@dataclass(frozen=True, slots=True)
class Mute:
    """Close the microphone, or open it again."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetThreshold:
    """Probability that begins a mood (`threshold`) or under which it ends (`exit_threshold`)."""

    control: ShareControl
    value: float


@dataclass(frozen=True, slots=True)
class SetHold:
    """Seconds a mood outlives the speech it came from."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SetProfile:
    """Another place: its values replace those of the present profile."""

    name: str


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Check model and features, without a microphone."""


@dataclass(frozen=True, slots=True)
class Restart:
    """End the daemon; the service manager starts it again."""


Command = Mute | SetThreshold | SetHold | SetProfile | SelfTest | Restart


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was not even handed on."""

    control: str
    detail: str


@dataclass(frozen=True, slots=True)
class Request:
    """One message on a command topic, as it came."""

    control: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class CommandReader:
    """Makes commands of requests; pure."""

    allowed: Collection[str]
    """Controls that the configuration lets others use."""

    profiles: Collection[str]

    def read(self, request: Request) -> Command | Refusal | None:
        """None: nothing was asked (somebody deleted a retained message)."""
        if request.retained and not request.payload:
            return None
        control = request.control
        if fault := self._fault(request):
            return Refusal(control[:64], fault)
        try:
            return self._command(control, request.payload.decode().strip())
        except UnicodeDecodeError:
            return Refusal(control[:64], "the payload is not text in UTF-8")
        except ValueError as error:
            return Refusal(control[:64], str(error))

    def _fault(self, request: Request) -> str | None:
        if request.control not in self.allowed:
            known = ", ".join(self.allowed) or "none"
            return f"this device takes no such command; allowed here: {known} (mqtt.controls)"
        if request.retained:
            return "commands must not be retained; send it again without, and clear the topic"
        if len(request.payload) > PAYLOAD_MAXIMUM:
            return f"{len(request.payload)} bytes; at most {PAYLOAD_MAXIMUM} are read"
        return None

    def _command(self, control: str, text: str) -> Command:
        match control:
            case "mute":
                return Mute(_one_of(text, ["ON", "OFF"]) == "ON")
            case "threshold" | "exit_threshold":
                return SetThreshold(control, _number(text, _bounds_of("enter")))
            case "hold":
                return SetHold(_number(text, _bounds_of("hold")))
            case "profile":
                return SetProfile(_one_of(text, self.profiles))
            case "self_test":
                _one_of(text, [PRESS])
                return SelfTest()
            case "restart":
                _one_of(text, [PRESS])
                return Restart()
        raise ValueError("no such command")


def share_bounds() -> tuple[float, float]:
    return _bounds_of("enter")


def hold_bounds() -> tuple[float, float]:
    return _bounds_of("hold")


def _bounds_of(setting: str) -> tuple[float, float]:
    """Those of the configuration, so that nothing can be set that a file may not say."""
    annotation = get_type_hints(Decision, include_extras=True)[setting]
    low, high = -math.inf, math.inf
    for meta in annotation.__metadata__:
        if isinstance(meta, Meta):
            low = meta.ge if meta.ge is not None else low
            high = meta.le if meta.le is not None else high
    return low, high


def _number(text: str, bounds: tuple[float, float]) -> float:
    low, high = bounds
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise ValueError(f"{text[:40]!r}; allowed is a number from {low:g} to {high:g}")
    return value


def _one_of(text: str, choices: Collection[str]) -> str:
    for choice in choices:
        if text.casefold() == choice.casefold():
            return choice
    raise ValueError(f"{text[:40]!r}; allowed: {', '.join(choices)}")
