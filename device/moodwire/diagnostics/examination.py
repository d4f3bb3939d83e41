"""All stages of `moodwire doctor`, from what everything else needs to what needs everything."""

from __future__ import annotations

from collections.abc import Callable

from moodwire.diagnostics import broker, microphone, runtime, service, settings, system
from moodwire.diagnostics.model import look_at_model
from moodwire.diagnostics.proof import prove_features
from moodwire.diagnostics.report import Stage, examine
from moodwire.diagnostics.subject import Subject


def examine_device(about: Subject, unit: str, show: Callable[[str], None]) -> list[Stage]:
    """Shows each finding as soon as it is there."""
    return [
        examine("Runtime", lambda: runtime.look(about), show),
        examine("Configuration", lambda: settings.look(about), show),
        examine("Features", prove_features, show),
        examine("Model", lambda: look_at_model(about), show),
        examine("Machine", lambda: system.look(about), show),
        examine("Microphone", lambda: microphone.look(about), show),
        examine("Broker", lambda: broker.look(about), show),
        examine("Service", lambda: service.look(unit, about.root), show),
    ]
