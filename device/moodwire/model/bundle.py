"""A bundle is a directory: the int8 model, its manifest, and golden pairs to prove it by.

It is read once, into memory, and what was hashed is what runs: nothing on disk is looked at again.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodwire.features import FrontendSpec
from moodwire.model.manifest import (
    GOLDEN_FILE,
    LARGEST_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    BundleError,
    Manifest,
    decode_manifest,
)

Bytes = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Bundle:
    """A model that passed every check that needs no interpreter."""

    path: Path
    manifest: Manifest
    spec: FrontendSpec
    hash: str
    """Twelve hex digits of the manifest's SHA-256; the manifest holds those of the other files."""

    model: bytes
    golden_inputs: Bytes
    """(windows, frames, width), already quantised."""

    golden_outputs: Bytes
    """(windows, labels): what the reference kernels answer, bit for bit."""

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.manifest.labels)


def shipped_bundle(name: str = "default") -> Path:
    """Directory of a bundle that came with this package."""
    return Path(str(files("moodwire"))) / "bundles" / name


def shipped_bundles() -> list[Path]:
    """Directories of all bundles that came with this package."""
    return sorted(place.parent for place in shipped_bundle().parent.glob(f"*/{MANIFEST_FILE}"))


def load_bundle(path: Path | str | None = None) -> Bundle:
    """Read and check a bundle directory; None takes the one that is shipped."""
    directory = shipped_bundle() if path is None else Path(path)
    _check_names(directory)
    manifest_content = read_file(directory, MANIFEST_FILE)
    manifest = decode_manifest(manifest_content)
    content = {name: read_file(directory, name) for name in (MODEL_FILE, GOLDEN_FILE)}
    for name, data in content.items():
        _check_record(manifest, name, data)
    spec = manifest.spec
    inputs, outputs = _split_golden(manifest, spec, content[GOLDEN_FILE])
    return Bundle(
        path=directory,
        manifest=manifest,
        spec=spec,
        hash=hashlib.sha256(manifest_content).hexdigest()[:12],
        model=content[MODEL_FILE],
        golden_inputs=inputs,
        golden_outputs=outputs,
    )


def join_golden(inputs: Bytes, outputs: Bytes) -> bytes:
    """The content of the golden file: all inputs, then all outputs."""
    return inputs.astype(np.int8).tobytes() + outputs.astype(np.int8).tobytes()


def _check_names(directory: Path) -> None:
    try:
        found = {entry.name for entry in directory.iterdir()}
    except OSError as error:
        raise BundleError(f"{directory} is not a bundle: {error.strerror}") from None
    if missing := sorted(set(LARGEST_FILE) - found):
        raise BundleError(f"{directory} is not a complete bundle: {missing[0]} is missing")
    if extra := sorted(found - set(LARGEST_FILE)):
        raise BundleError(
            f"{directory} holds {extra[0]!r}; a bundle holds only {', '.join(LARGEST_FILE)}"
        )


def read_file(directory: Path, name: str) -> bytes:
    """One regular file, never through a link, never more than its limit."""
    limit = LARGEST_FILE[name]
    try:
        descriptor = os.open(directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        reason = "is a link" if (directory / name).is_symlink() else error.strerror
        raise BundleError(f"{directory / name}: {reason}") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BundleError(f"{directory / name} is not a regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise BundleError(f"{directory / name} is larger than {limit} bytes, the most allowed")
    return content


def _check_record(manifest: Manifest, name: str, content: bytes) -> None:
    record = manifest.files[name]
    if len(content) != record.bytes:
        raise BundleError(
            f"{name} has {len(content)} bytes, the manifest says {record.bytes}: "
            "truncated or replaced; fetch the bundle again"
        )
    found = hashlib.sha256(content).hexdigest()
    if found != record.sha256:
        raise BundleError(
            f"{name} has SHA-256 {found[:12]}..., the manifest says {record.sha256[:12]}...: "
            "corrupt or replaced; fetch the bundle again"
        )


def _split_golden(manifest: Manifest, spec: FrontendSpec, content: bytes) -> tuple[Bytes, Bytes]:
    windows, classes = manifest.golden_windows, len(manifest.labels)
    cells = spec.window_frames * spec.width
    if len(content) != windows * (cells + classes):
        raise BundleError(
            f"{GOLDEN_FILE} has {len(content)} bytes; {windows} windows of {cells} features and "
            f"{classes} labels need {windows * (cells + classes)}"
        )
    values = np.frombuffer(content, dtype=np.int8)
    inputs = values[: windows * cells].reshape(windows, spec.window_frames, spec.width)
    return inputs, values[windows * cells :].reshape(windows, classes)
