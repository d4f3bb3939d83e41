"""What Home Assistant shows of a device: one entry per entity, None where the feature is off.

Every value has a topic of its own. Only the diagnostics read fields of one message, `health`,
which always has them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, get_args

from moodwire.config import PROFILE_NAMES, Config
from moodwire.events import HEARING, QUIET, UNCERTAIN, SourceState
from moodwire.publish.commands import PRESS, hold_bounds, share_bounds
from moodwire.publish.composer import HEALTH_SECONDS
from moodwire.publish.hardware import Hardware
from moodwire.publish.topics import Topics

Component = dict[str, Any]

EXPIRE_SECONDS: Final = round(3 * HEALTH_SECONDS)
"""Without a word; what the broker holds may be of a device that died together with it."""

VALUE_OR_UNKNOWN: Final = "{{ value or None }}"
"""An empty payload is a value that was taken back."""


@dataclass(frozen=True, slots=True)
class Features:
    """What decides which entities there are."""

    config: Config
    topics: Topics
    labels: tuple[str, ...]
    hardware: Hardware
    can_restart: bool = True
    """Not where the sound comes through a pipe, which says once what it carries."""

    def takes(self, control: str) -> bool:
        return control in self.config.mqtt.controls

    @property
    def can_unmute(self) -> bool:
        return self.takes("mute") and not self.config.microphone.mute


def reachable(topics: Topics) -> Component:
    """The device runs and the broker sees it."""
    return {"topic": topics.availability}


def hearing(topics: Topics) -> Component:
    """It also has sound; otherwise no mood is known."""
    states = ", ".join(f"'{state}'" for state in sorted(HEARING))
    template = f"{{{{ 'online' if value in [{states}] else 'offline' }}}}"
    return {"topic": topics.source, "value_template": template}


def components(features: Features) -> dict[str, tuple[str, Component | None]]:
    """By id: the platform, and the rest of the entry."""
    return {name: (platform, make(features)) for name, (platform, make) in TABLE.items()}


def _mood(f: Features) -> Component:
    return {
        "name": None,
        "icon": "mdi:account-voice",
        "device_class": "enum",
        "options": list(dict.fromkeys([*f.labels, UNCERTAIN, QUIET])),
        "state_topic": f.topics.mood,
        "value_template": VALUE_OR_UNKNOWN,
        "expire_after": EXPIRE_SECONDS,
    }


def _confidence(f: Features) -> Component:
    return {
        "name": "Confidence",
        "icon": "mdi:gauge",
        "state_class": "measurement",
        "unit_of_measurement": "%",
        "suggested_display_precision": 0,
        "state_topic": f.topics.confidence,
        "value_template": "{{ (value | float * 100) | round(1) if value else None }}",
        "expire_after": EXPIRE_SECONDS,
    }


def _speech(f: Features) -> Component:
    return {
        "name": "Speech",
        "device_class": "sound",
        "state_topic": f.topics.speech,
        "value_template": VALUE_OR_UNKNOWN,
        "expire_after": EXPIRE_SECONDS,
    }


def _event(f: Features) -> Component:
    return _always(f) | {
        "name": "Mood event",
        "icon": "mdi:emoticon-outline",
        "event_types": ["started", "ended"],
        "state_topic": f.topics.event,
    }


def _alert(f: Features) -> Component | None:
    if not f.config.alert:
        return None
    return _always(f) | {
        "name": "Alert",
        "icon": "mdi:alert-circle-outline",
        "event_types": [alert.name for alert in f.config.alert],
        "state_topic": f.topics.alert,
    }


def _level(f: Features) -> Component | None:
    if not f.config.mqtt.publish_level:
        return None
    return {
        "name": "Level",
        "icon": "mdi:volume-high",
        "state_class": "measurement",
        "unit_of_measurement": "dBFS",
        "enabled_by_default": False,
        "state_topic": f.topics.level,
        "value_template": VALUE_OR_UNKNOWN,
        "expire_after": EXPIRE_SECONDS,
    }


def _microphone(f: Features) -> Component | None:
    """On means not muted."""
    if not f.can_unmute:
        return None
    return _always(f) | {
        "name": "Microphone",
        "icon": "mdi:microphone",
        "command_topic": f.topics.command("mute"),
        "payload_on": "OFF",
        "payload_off": "ON",
        "state_topic": f.topics.control("mute"),
        "state_on": "OFF",
        "state_off": "ON",
    }


def _share(control: str, name: str) -> Callable[[Features], Component | None]:
    def make(f: Features) -> Component | None:
        low, high = share_bounds()
        return _setting(
            f, control, name, "mdi:tune", {"min": low, "max": high, "step": 0.01, "mode": "slider"}
        )

    return make


def _hold(f: Features) -> Component | None:
    low, high = hold_bounds()
    number = {"min": low, "max": high, "step": 0.5, "mode": "box", "unit_of_measurement": "s"}
    return _setting(f, "hold", "Hold", "mdi:timer-outline", number)


def _profile(f: Features) -> Component | None:
    return _setting(f, "profile", "Profile", "mdi:map-marker", {"options": list(PROFILE_NAMES)})


def _self_test(f: Features) -> Component | None:
    return _button(f, "self_test", {"name": "Self-test", "icon": "mdi:stethoscope"}, "diagnostic")


def _restart(f: Features) -> Component | None:
    if not f.can_restart:
        return None
    return _button(f, "restart", {"name": "Restart", "device_class": "restart"}, "config")


def _source(f: Features) -> Component:
    return _always(f) | {
        "name": "Sound source",
        "icon": "mdi:microphone-question",
        "entity_category": "diagnostic",
        "device_class": "enum",
        "options": list(get_args(SourceState)),
        "state_topic": f.topics.source,
    }


def _temperature(f: Features) -> Component | None:
    if not f.hardware.has_thermometer:
        return None
    return _vital(
        "cpu_temperature", "CPU temperature", "°C", device_class="temperature", **MEASURED
    )(f)


def _vital(
    field: str, name: str, unit: str | None = None, **more: Any
) -> Callable[[Features], Component]:
    """A field of the health message."""

    def make(f: Features) -> Component:
        return (
            _always(f)
            | {
                "name": name,
                "entity_category": "diagnostic",
                "state_topic": f.topics.health,
                "value_template": f"{{{{ value_json.{field} }}}}",
                "expire_after": EXPIRE_SECONDS,
            }
            | ({"unit_of_measurement": unit} if unit else {})
            | more
        )

    return make


def _setting(f: Features, control: str, name: str, icon: str, more: Component) -> Component | None:
    if not f.takes(control):
        return None
    topics = {"command_topic": f.topics.command(control), "state_topic": f.topics.control(control)}
    look = {"name": name, "icon": icon, "entity_category": "config"}
    return _always(f) | look | topics | more


def _button(f: Features, control: str, look: Component, category: str) -> Component | None:
    if not f.takes(control):
        return None
    command = {"command_topic": f.topics.command(control), "payload_press": PRESS}
    return _always(f) | look | {"entity_category": category} | command


def _always(f: Features) -> Component:
    """There also while nothing is heard, when the last mood ends and late events arrive."""
    return {"availability": [reachable(f.topics)]}


MEASURED: Final[Component] = {"state_class": "measurement"}
COUNTED: Final[Component] = {"state_class": "total_increasing"}

TABLE: Final[dict[str, tuple[str, Callable[[Features], Component | None]]]] = {
    "mood": ("sensor", _mood),
    "confidence": ("sensor", _confidence),
    "speech": ("binary_sensor", _speech),
    "event": ("event", _event),
    "alert": ("event", _alert),
    "level": ("sensor", _level),
    "microphone": ("switch", _microphone),
    "threshold": ("number", _share("threshold", "Threshold")),
    "exit_threshold": ("number", _share("exit_threshold", "Exit threshold")),
    "hold": ("number", _hold),
    "profile": ("select", _profile),
    "self_test": ("button", _self_test),
    "restart": ("button", _restart),
    "source": ("sensor", _source),
    "cpu_temperature": ("sensor", _temperature),
    "inference_p95": (
        "sensor",
        _vital("inference_p95_ms", "Inference time", "ms", icon="mdi:timer-sand", **MEASURED),
    ),
    "dropped_audio": (
        "sensor",
        _vital("dropped", "Dropped audio", "samples", icon="mdi:waveform", **COUNTED),
    ),
    "uptime": ("sensor", _vital("uptime", "Uptime", "s", device_class="duration", **MEASURED)),
    "frame_age": (
        "sensor",
        _vital("frame_age", "Age of last frame", "s", device_class="duration", **MEASURED),
    ),
    "queue": (
        "sensor",
        _vital("queue", "Waiting events", "events", icon="mdi:tray-full", **MEASURED),
    ),
    "queue_dropped": (
        "sensor",
        _vital("queue_dropped", "Lost events", "events", icon="mdi:tray-remove", **COUNTED),
    ),
    "model": ("sensor", _vital("model", "Model", icon="mdi:brain")),
}
