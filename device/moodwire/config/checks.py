"""What is wrong with a configuration: every unknown key, every value out of its bounds."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from moodwire.config.reach import exposure, hash_fault
from moodwire.config.sections import Config, Decision, Gate, Mqtt, Section, Web
from moodwire.config.words import allowed, is_secret

Key = tuple[str | int, ...]

Rule = tuple[bool, Key, str]
"""Whether it is broken, where, and what is to be said then."""


@dataclass(frozen=True)
class Problem:
    """One mistake and the key that it is about; an empty key means the file as a whole."""

    key: Key
    message: str


def dotted(key: Key) -> str:
    """As a person writes it: alert[0].moods"""
    text = ""
    for part in key:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def mistakes(section: type[Section], written: Mapping[str, Any], at: Key = ()) -> list[Problem]:
    """All of them, not only the first: nobody likes to mend a file one run at a time."""
    hints = get_type_hints(section, include_extras=True)
    problems: list[Problem] = []
    for name, value in written.items():
        key = (*at, name)
        if name not in hints:
            problems.append(Problem(key, _unknown(key, name, list(hints))))
        else:
            problems += _value_mistakes(hints[name], value, key)
    required = {field.name for field in msgspec.structs.fields(section) if field.required}
    for name in sorted(required - set(written)):
        problems.append(
            Problem(at, f"{dotted((*at, name))} is missing; needed: {allowed(hints[name])}")
        )
    return problems


def _value_mistakes(hint: Any, value: Any, key: Key) -> list[Problem]:
    plain = get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    section = _section_in(plain)
    if section is not None:
        pairs = _parts(plain, value, key)
        if pairs is None:
            return [_wrong(hint, value, key)]
        return [p for at, part in pairs for p in _section_mistakes(section, part, at)]
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError:
        return [_wrong(hint, value, key)]
    return []


def _section_mistakes(section: type[Section], value: Any, key: Key) -> list[Problem]:
    if not isinstance(value, dict):
        return [_wrong(section, value, key)]
    return mistakes(section, value, key)


def _section_in(hint: Any) -> type[Section] | None:
    """The section that a key holds, or holds a list or table of."""
    for each in (hint, *get_args(hint)):
        if isinstance(each, type) and issubclass(each, Section):
            return each
    return None


def _parts(hint: Any, value: Any, key: Key) -> list[tuple[Key, Any]] | None:
    """Each section within the value with its key; None where the value has the wrong shape."""
    if get_origin(hint) is list:
        if not isinstance(value, list):
            return None
        return [((*key, index), part) for index, part in enumerate(value)]
    if get_origin(hint) is dict:
        if not isinstance(value, dict):
            return None
        return [((*key, name), part) for name, part in value.items()]
    return [(key, value)]


def _wrong(hint: Any, value: Any, key: Key) -> Problem:
    shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
    if is_secret(hint):
        shown = "not text"
    return Problem(key, f"{dotted(key)} is {shown}; allowed: {allowed(hint)}")


def _unknown(key: Key, name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    advice = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return f"unknown key {dotted(key)}; {advice}"


def contradictions(config: Config) -> list[Problem]:
    """Values that are allowed each for itself and make no sense together."""
    rules = [
        *_thresholds(config.gate, config.decision),
        *_broker(config.mqtt),
        *_page(config.web),
        *_lists(config),
    ]
    return [Problem(key, message) for broken, key, message in rules if broken]


def _thresholds(gate: Gate, decision: Decision) -> Iterator[Rule]:
    yield (
        gate.exit > gate.enter,
        ("gate", "exit"),
        f"gate.exit is {gate.exit}; it must not lie above gate.enter, {gate.enter}",
    )
    yield (
        decision.exit > decision.enter,
        ("decision", "exit"),
        f"decision.exit is {decision.exit}; it must not lie above decision.enter, {decision.enter}",
    )
    yield (
        decision.onset_votes > decision.onset_windows,
        ("decision", "onset_votes"),
        f"decision.onset_votes is {decision.onset_votes}; it must not exceed "
        f"decision.onset_windows, {decision.onset_windows}",
    )


def _broker(mqtt: Mqtt) -> Iterator[Rule]:
    yield (
        bool(mqtt.password and mqtt.password_file),
        ("mqtt", "password_file"),
        "mqtt.password and mqtt.password_file are both set; keep the file",
    )
    yield (
        bool(mqtt.certificate_file) != bool(mqtt.key_file),
        ("mqtt", "certificate_file"),
        "mqtt.certificate_file and mqtt.key_file belong together; one of them is missing",
    )
    yield (
        bool(mqtt.ca_file or mqtt.certificate_file) and not mqtt.tls,
        ("mqtt", "tls"),
        "mqtt.tls is false although certificates are set; set it to true",
    )


def _page(web: Web) -> Iterator[Rule]:
    exposed, malformed = _exposure(web), _malformed(web)
    yield bool(exposed), ("web", "address"), exposed
    yield bool(malformed), ("web", "password_hash"), f"web.password_hash: {malformed}"


def _lists(config: Config) -> Iterator[Rule]:
    alerts = _doubles(alert.name for alert in config.alert)
    topics = _doubles(each.topic for each in config.history.context)
    yield (
        bool(alerts),
        ("alert",),
        f"two alerts are named {', '.join(alerts)}; every alert needs a name of its own",
    )
    yield (
        bool(topics),
        ("history", "context"),
        f"history.context names the topic {', '.join(topics)} twice; its numbers can be kept "
        "under one name only",
    )


def _exposure(web: Web) -> str:
    """A file that is named counts as a password: only who serves the page may have to read it."""
    if not web.enabled:
        return ""
    return exposure(web.address, has_password=bool(web.password_hash or web.password_file))


def _malformed(web: Web) -> str:
    in_force = web.enabled and not web.password_file
    return hash_fault(web.password_hash) if in_force and web.password_hash else ""


def _doubles(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
