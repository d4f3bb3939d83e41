"""Settings that come with the package, by name, or in a file of one's own."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any


def read_toml(kind: str, name_or_file: str, error: type[ValueError]) -> dict[str, Any]:
    """What the `kind`, such as plan, of this name or in this file says."""
    file = Path(name_or_file)
    if file.suffix == ".toml":
        if not file.is_file():
            raise error(f"{file}: no such {kind} file")
        try:
            return tomllib.loads(file.read_text(encoding="utf-8"))
        except ValueError as reason:
            raise error(f"{file}: {reason}") from None
    folder = resources.files("moodwire_training") / f"{kind}s"
    packaged = folder / f"{name_or_file}.toml"
    if not packaged.is_file():
        known = sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir())
        raise error(f"no {kind} {name_or_file!r}; known: {', '.join(known)}, or a .toml file")
    return tomllib.loads(packaged.read_text(encoding="utf-8"))
