"""Writes a configuration as TOML, with the documentation of every setting where it is wanted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar, get_type_hints

import msgspec

from moodwire.config.file import parse_config
from moodwire.config.profiles import ProfileName
from moodwire.config.sections import Alert, Config, ContextTopic, MoodThresholds, Section
from moodwire.config.words import allowed, description, is_secret

Sections = TypeVar("Sections", bound=Section)

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
HIDDEN = "********"

EXAMPLE_HEAD = """\
# Moodwire: every setting with the value that it has where this file says nothing.
# To change one, take away the # in front of it; then try: moodwire config check FILE
"""

EXAMPLE_ALERT = Alert(name="shouting", moods=["angry"])
EXAMPLE_MOOD = ("angry", MoodThresholds(enter=0.7, exit=0.5))
EXAMPLE_CONTEXT = ContextTopic(name="Outdoors", topic="weather/temperature", unit="°C")


def show(config: Config) -> str:
    """What is in force, as a TOML file; secrets are hidden."""
    return "\n".join(_tables(hide_secrets(config), (), _plain)) + "\n"


def hide_secrets(section: Sections) -> Sections:
    """The same with every secret that is set replaced."""
    hints = get_type_hints(type(section), include_extras=True)
    hidden: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(section).items():
        if isinstance(value, Section):
            hidden[name] = hide_secrets(value)
        elif value and is_secret(hints[name]):
            hidden[name] = HIDDEN
    return msgspec.structs.replace(section, **hidden)


def example(profile: ProfileName) -> str:
    """A commented file for a place in which everything but the profile is left at its value."""
    config = parse_config("", profile=profile)
    if not config.alert:
        config = msgspec.structs.replace(config, alert=[EXAMPLE_ALERT])
    label, thresholds = EXAMPLE_MOOD
    decision = msgspec.structs.replace(config.decision, per_mood={label: thresholds})
    history = msgspec.structs.replace(config.history, context=[EXAMPLE_CONTEXT])
    config = msgspec.structs.replace(config, decision=decision, history=history)
    lines = list(_tables(config, (), _documented))
    return EXAMPLE_HEAD + "\n".join(lines) + "\n"


def json_schema() -> dict[str, Any]:
    """For editors; unknown keys are refused there as they are here."""
    schema = msgspec.json.schema(Config)
    for definition in schema["$defs"].values():
        definition["additionalProperties"] = False
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": "Moodwire configuration", **schema}


def _tables(section: Section, path: tuple[str, ...], write: Any) -> Iterator[str]:
    """Its own keys first, then the tables under it: a table once begun has no end in TOML."""
    nested: list[tuple[tuple[str, ...], Section, bool]] = []
    for name, value in msgspec.structs.asdict(section).items():
        if isinstance(value, Section):
            nested.append(((*path, name), value, False))
        elif isinstance(value, dict):
            nested += [((*path, name, label), each, False) for label, each in value.items()]
        elif isinstance(value, list) and all(isinstance(each, Section) for each in value):
            nested += [((*path, name), each, True) for each in value]
        elif value is not None:
            yield from write(section, name, value, path)
    for inner, value, repeated in nested:
        yield ""
        header = f"[[{_key(inner)}]]" if repeated else f"[{_key(inner)}]"
        yield from _header(value, header, inner, write)
        yield from _tables(value, inner, write)


def _header(section: Section, header: str, path: tuple[str, ...], write: Any) -> Iterator[str]:
    if write is _documented:
        yield f"# {section.__doc__}"
        header = f"#{header}" if _is_optional(path) else header
    yield header


def _is_optional(path: tuple[str, ...]) -> bool:
    """Tables that change something by being there: alerts, thresholds of single moods, context."""
    return path[0] == "alert" or len(path) > 1


def _plain(section: Section, name: str, value: Any, path: tuple[str, ...]) -> Iterator[str]:
    yield f"{name} = {_value(value)}"


def _documented(section: Section, name: str, value: Any, path: tuple[str, ...]) -> Iterator[str]:
    hint = get_type_hints(type(section), include_extras=True)[name]
    yield ""
    bounds = "" if allowed(hint) == "text" else f" ({allowed(hint)})"
    yield f"# {description(hint)}{bounds}"
    mark = "" if path == () else "#"
    yield f"{mark}{name} = {_value(value)}"


def _key(path: tuple[str, ...]) -> str:
    return ".".join(part if BARE_KEY.fullmatch(part) else json.dumps(part) for part in path)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
