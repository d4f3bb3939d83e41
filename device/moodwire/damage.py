"""Databases that a worn card or a pulled plug has damaged are set aside, so that life goes on."""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

FILES_KEPT: Final = 2


def is_damage(error: sqlite3.Error) -> bool:
    """The kinds of DatabaseError tell of locks, full cards and mistakes; those may pass."""
    return type(error) is sqlite3.DatabaseError


def set_aside(path: Path, what: str, reason: str) -> None:
    """Kept for who wants to look, but not for ever."""
    when = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    aside = path.with_name(f"{path.name}.corrupt-{when}")
    path.replace(aside)
    for tail in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    for old in were_set_aside(path)[:-FILES_KEPT]:
        old.unlink()
    log.error("%s was damaged (%s); set aside as %s, begun anew", what, reason, aside)


def were_set_aside(path: Path) -> list[Path]:
    """Oldest first."""
    return sorted(path.parent.glob(f"{path.name}.corrupt-*"))
