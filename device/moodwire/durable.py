"""Files that survive a power cut, whole."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, content: bytes, mode: int) -> None:
    """On return the content is on the disk, though the name may not yet be."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def replace(path: Path, content: bytes, mode: int) -> None:
    """A power cut at any moment leaves the old file or the new one; after this, the new one."""
    fresh = path.with_name(path.name + ".new")
    write(fresh, content, mode)
    fresh.replace(path)
    flush(path.parent)


def flush(directory: Path) -> None:
    """Without it, a power cut may undo a rename."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
