"""Reads the configuration file; says of every mistake at once where it is and what is allowed."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from moodwire.config.checks import Key, Problem, contradictions, mistakes
from moodwire.config.profiles import PROFILES, ProfileName
from moodwire.config.sections import Config

SYSTEM_FILE = Path("/etc/moodwire/config.toml")
ENVIRONMENT_VARIABLE = "MOODWIRE_CONFIG"

LARGEST_FILE = 1 << 20
"""Bytes; a configuration is a few kilobytes, so anything larger is another file."""


class ConfigError(ValueError):
    """A configuration that cannot be used; one line of the message per mistake."""

    def __init__(self, name: str, problems: list[Problem], text: str = "") -> None:
        lines = KeyLines(text)
        placed = sorted((lines.find(each.key) or 0, each.message) for each in problems)
        super().__init__("\n".join(f"{_place(name, line)}{what}" for line, what in placed))


class ConfigDeniedError(ConfigError):
    """A configuration that this user may not read."""


def find_config(explicit: Path | None = None) -> Path | None:
    """The file asked for, else $MOODWIRE_CONFIG, else the system's; None: there is none."""
    if explicit is not None:
        return explicit
    if named := os.environ.get(ENVIRONMENT_VARIABLE):
        return Path(named)
    return SYSTEM_FILE if _is_there(SYSTEM_FILE) else None


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration file as it was when it was read: it may have been edited since."""

    text: str = ""
    path: Path | None = None
    """None: there is no file, and the defaults hold."""

    profile: ProfileName | None = None
    """Instead of the file's own."""

    @classmethod
    def read(cls, path: Path | None, profile: ProfileName | None = None) -> ConfigFile:
        return cls("" if path is None else _read_text(path), path, profile)

    def read_anew(self) -> ConfigFile:
        return ConfigFile.read(self.path, self.profile)

    def config(self, profile: ProfileName | None = None) -> Config:
        """For its own profile, or for another one."""
        name = "configuration" if self.path is None else str(self.path)
        return parse_config(self.text, name, profile or self.profile)


def load_config(path: Path | None, profile: ProfileName | None = None) -> Config:
    """Read a file, or the defaults where there is none; `profile` overrides the file's own."""
    return ConfigFile.read(path, profile).config()


def parse_config(
    text: str, name: str = "configuration", profile: ProfileName | None = None
) -> Config:
    """A pure function of the text, so that a running daemon can try a new file and keep the old."""
    try:
        written = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(name, [Problem((), f"is not TOML: {error}")]) from None
    if profile is not None:
        written["profile"] = profile
    problems = mistakes(Config, written)
    if problems:
        raise ConfigError(name, problems, text)
    place: ProfileName = written.get("profile", Config().profile)
    config = msgspec.convert(_laid_over(PROFILES[place], written), Config)
    if found := contradictions(config):
        raise ConfigError(name, found, text)
    return config


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()[: LARGEST_FILE + 1]
    except PermissionError:
        why = "cannot be read: only root and the service may, for it may hold a password; try sudo"
        raise ConfigDeniedError(str(path), [Problem((), why)]) from None
    except OSError as error:
        raise ConfigError(str(path), [Problem((), f"cannot be read: {error.strerror}")]) from None
    if len(content) > LARGEST_FILE:
        raise ConfigError(str(path), [Problem((), f"is larger than {LARGEST_FILE} bytes")])
    try:
        return content.decode("utf-8-sig")  # Windows begins a text with a mark that is no TOML
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is not UTF-8; TOML is written in UTF-8"
        raise ConfigError(str(path), [Problem((), found)]) from None


def _is_there(path: Path) -> bool:
    """Also where this user may not even look: that it cannot be read is for `load_config` to say,
    not to go on as if the device had no configuration."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True


def _laid_over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged key by key; anything else is replaced."""
    merged = dict(base)
    for key, value in own.items():
        under = merged.get(key)
        both = isinstance(under, dict) and isinstance(value, dict)
        merged[key] = _laid_over(under, value) if both else value  # type: ignore[arg-type]
    return merged


def _place(name: str, line: int) -> str:
    return f"{name}:{line}: " if line else f"{name}: "


class KeyLines:
    """On which line a key of a TOML text stands; the parser of the standard library won't say."""

    TABLE = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
    KEY = re.compile(r"""^\s*((?:[\w.-]|"[^"]*"|'[^']*'|\s*\.\s*)+?)\s*=""")

    def __init__(self, text: str) -> None:
        self._lines: dict[Key, int] = {}
        table: Key = ()
        counts: dict[Key, int] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            if match := self.TABLE.match(line):
                table = _split(match[2])
                if match[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                self._lines.setdefault(table, number)
            elif match := self.KEY.match(line):
                self._lines.setdefault((*table, *_split(match[1])), number)

    def find(self, key: Key) -> int | None:
        """The line of the key, else of the nearest table around it."""
        while key:
            if key in self._lines:
                return self._lines[key]
            key = key[:-1]
        return None


def _split(dotted: str) -> Key:
    parts = re.findall(r"""[\w-]+|"[^"]*"|'[^']*'""", dotted)
    return tuple(part.strip("\"'") for part in parts)
