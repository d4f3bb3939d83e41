"""A finding: what was looked at, what was seen, and the remedy where there is need of one."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from msgspec import Struct


class Grade(IntEnum):
    """From good to bad; the worst one decides how `moodwire doctor` ends."""

    FINE = 0
    SKIPPED = 1
    WARNING = 2
    BROKEN = 3


class Finding(Struct, frozen=True):
    """One line of the examination."""

    name: str
    grade: Grade
    seen: str
    remedy: str = ""


Findings = Iterator[Finding]


def fine(name: str, seen: str) -> Finding:
    return Finding(name, Grade.FINE, seen)


def skipped(name: str, why: str) -> Finding:
    """Could not be told here; not the device's fault."""
    return Finding(name, Grade.SKIPPED, why)


def warning(name: str, seen: str, remedy: str) -> Finding:
    """It works, but not as well or as long as it should."""
    return Finding(name, Grade.WARNING, seen, remedy)


def broken(name: str, seen: str, remedy: str) -> Finding:
    """It does not work before the remedy."""
    return Finding(name, Grade.BROKEN, seen, remedy)
