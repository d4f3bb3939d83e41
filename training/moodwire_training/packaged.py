"""Settings that come with the package, by name, or in a file of one's own."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def read_toml(kind: str, name_or_file: str, error: type[ValueError]) -> str:
    """The text of a `kind`, such as plan, of this name or in this file."""
    file = Path(name_or_file)
    if file.suffix == ".toml":
        if not file.exists():
            raise error(f"{file}: no such {kind} file")
        return file.read_text(encoding="utf-8")
    folder = resources.files("moodwire_training") / f"{kind}s"
    packaged = folder / f"{name_or_file}.toml"
    if not packaged.is_file():
        known = sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir())
        raise error(f"no {kind} {name_or_file!r}; known: {', '.join(known)}, or a .toml file")
    return packaged.read_text(encoding="utf-8")
