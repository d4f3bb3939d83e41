"""Does what was commanded over MQTT (and by the page), and answers each command."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread

from moodwire.config import Config
from moodwire.diagnostics.finding import Grade
from moodwire.diagnostics.proof import prove_features, prove_model, prove_pipeline
from moodwire.model import Bundle
from moodwire.publish.commands import (
    Command,
    Mute,
    Restart,
    SelfTest,
    SetHold,
    SetProfile,
    SetThreshold,
)
from moodwire.service.controls import SETTINGS, Controls, RefusedError
from moodwire.service.monitor import Monitor
from moodwire.service.parts import UNUSABLE

log = logging.getLogger(__name__)

HARD_MUTE = "microphone.mute in the configuration mutes this device; nothing else can unmute it"


class Obedience:
    """Called in the daemon's loop."""

    def __init__(
        self,
        controls: Controls,
        monitor: Monitor,
        apply: Callable[[Config], None],
        restart: Callable[[], None],
    ) -> None:
        self._controls = controls
        self._monitor = monitor
        self._apply = apply
        self._restart = restart

    @property
    def muted(self) -> bool:
        return self._monitor.parts.config.microphone.mute or self._controls.chosen.muted

    def obey(self, command: Command) -> None:
        match command:
            case Mute(on):
                self._answer("mute", lambda: self._mute(on))
            case SetThreshold(control, value):
                self._answer(control, lambda: self._set(control, value))
            case SetHold(seconds):
                self._answer("hold", lambda: self._set("hold", seconds))
            case SetProfile(name):
                self._answer("profile", lambda: self._set_profile(name))
            case SelfTest():
                Thread(target=self._test, name="self-test", daemon=True).start()
            case Restart():
                self._answer("restart", self._start_anew)

    def tell_controls(self) -> None:
        """What can be set, as it is now."""
        config, composer = self._monitor.parts.config, self._monitor.parts.composer
        values: dict[str, bool | float | str] = {"mute": self.muted, "profile": config.profile}
        for control, name in SETTINGS.items():
            values[control] = getattr(config.decision, name)
        told = [each for name, value in values.items() for each in composer.control(name, value)]
        self._monitor.parts.link.publish(told)

    def _mute(self, on: bool) -> str:
        if self._monitor.parts.config.microphone.mute and not on:
            raise RefusedError(HARD_MUTE)
        if on:  # first this, then whatever else: the disk may be full
            self._monitor.mute()
        else:
            self._monitor.unmute()
        self._controls.mute(on)
        return "the microphone is closed" if on else "the microphone is open"

    def _set(self, control: str, value: float) -> str:
        self._controls.choose(control, value, self._apply)
        return f"decision.{SETTINGS[control]} is {value:g}"

    def _set_profile(self, name: str) -> str:
        self._controls.choose_profile(name, self._apply)
        return f"profile is {name}"

    def _start_anew(self) -> str:
        self._restart()
        return "the daemon ends and starts anew"

    def _test(self) -> None:
        """In a thread of its own: hearing goes on meanwhile."""
        ok, detail = run_self_test(self._monitor.parts.bundle)
        self._monitor.wake.call(lambda: self._tell("self_test", ok, detail))

    def _answer(self, control: str, action: Callable[[], str]) -> None:
        try:
            detail, ok = action(), True
        except (RefusedError, *UNUSABLE) as error:
            detail, ok = str(error), False
        except OSError as error:
            detail, ok = f"cannot be kept for the next start: {error}", False
        self._tell(control, ok, detail)
        self.tell_controls()

    def _tell(self, control: str, ok: bool, detail: str) -> None:
        log.log(logging.INFO if ok else logging.WARNING, "command %s: %s", control, detail)
        parts = self._monitor.parts
        parts.link.publish([parts.composer.result(control, ok, detail)])


def run_self_test(bundle: Bundle) -> tuple[bool, str]:
    """Whether features, model and pipeline compute what they should; and what was seen."""
    findings = [*prove_features(), *prove_model(bundle), *prove_pipeline(bundle)]
    faults = [each for each in findings if each.grade is Grade.BROKEN]
    if faults:
        return False, "; ".join(f"{each.name}: {each.seen}" for each in faults)
    return True, f"{len(findings)} checks passed: features, model and pipeline compute correctly"
