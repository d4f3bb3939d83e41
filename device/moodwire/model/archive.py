"""Takes the files of a bundle out of whatever they came in, and nothing else.

Archives are read into memory up to a limit and never extracted: what is written to disk are at
most three regular files, under names that we chose.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from moodwire.model.bundle import read_file
from moodwire.model.manifest import LARGEST_FILE, BundleError

SLACK = 128 * 1024
"""Bytes that an archive may add to its files: headers and padding."""

MOST_BYTES = sum(LARGEST_FILE.values()) + SLACK

MOST_MEMBERS = 16
"""A bundle has three files and perhaps a folder around them."""

UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    RuntimeError,
)
"""What Python says of damaged archives, and of encrypted ones."""

COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Member = tuple[str, bool, int, Callable[[], bytes]]
"""Its path, whether it is a folder, the size that it claims, and how to read it."""


def bundle_files(source: Path) -> dict[str, bytes]:
    """Every file of the bundle in a folder, .tar, .tar.gz or .zip; refuses all else in it."""
    if source.is_dir():
        return {name: read_file(source, name) for name in LARGEST_FILE}
    content = _limited(source)
    try:
        if zipfile.is_zipfile(io.BytesIO(content)):
            return _collect(source, _zip_members(content))
        return _collect(source, _tar_members(source, content))
    except UNREADABLE as error:
        raise BundleError(f"{source} cannot be unpacked: {error}") from None


@contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """A folder as it is, an archive as a folder for the time being."""
    if source.is_dir():
        yield source
        return
    files = bundle_files(source)
    with tempfile.TemporaryDirectory(prefix="moodwire-") as scratch:
        for name, content in files.items():
            (Path(scratch) / name).write_bytes(content)
        yield Path(scratch)


def _limited(source: Path) -> bytes:
    if not source.is_file():
        raise BundleError(f"{source}: no such file or folder")
    with source.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise BundleError(f"{source} is larger than {MOST_BYTES} bytes, the most a bundle may have")
    return content


def _collect(source: Path, members: Iterator[Member]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for count, (path, folder, size, read) in enumerate(members):
        if count >= MOST_MEMBERS:
            raise BundleError(f"{source} holds more than {MOST_MEMBERS} entries: no bundle")
        name = _bundle_name(source, path, folder)
        if name is None:
            continue
        if name in found:
            raise BundleError(f"{source} holds {name} twice")
        content = read() if size <= LARGEST_FILE[name] else b""
        if size > LARGEST_FILE[name] or len(content) > LARGEST_FILE[name]:
            raise BundleError(f"{source}: {name} is larger than {LARGEST_FILE[name]} bytes")
        found[name] = content
    if missing := sorted(set(LARGEST_FILE) - set(found)):
        raise BundleError(f"{source} is not a complete bundle: {missing[0]} is missing")
    return found


def _bundle_name(source: Path, path: str, folder: bool) -> str | None:
    """The file's own name; None for the one folder that may stand around a bundle's files."""
    parts = PurePosixPath(path).parts
    outside = path.startswith("/") or ".." in parts or "\\" in path
    if folder and not outside and len(parts) <= 1:
        return None
    if folder or outside or len(parts) not in (1, 2) or parts[-1] not in LARGEST_FILE:
        raise BundleError(
            f"{source} holds {path!r}; a bundle holds only {', '.join(LARGEST_FILE)}, "
            "in at most one folder"
        )
    return parts[-1]


def _tar_members(source: Path, content: bytes) -> Iterator[Member]:
    if content[:2] == b"\x1f\x8b":
        with gzip.open(io.BytesIO(content)) as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise BundleError(f"{source} unpacks to more than {MOST_BYTES} bytes: no bundle")
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        for member in archive:
            if not (member.isreg() or member.isdir()):
                raise BundleError(f"{source}: {member.name!r} is a link or a device")

            def read(member: tarfile.TarInfo = member) -> bytes:
                file = archive.extractfile(member)
                return file.read() if file else b""

            yield member.name, member.isdir(), member.size, read


def _zip_members(content: bytes) -> Iterator[Member]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if member.compress_type not in COMPRESSIONS:
                raise zipfile.BadZipFile(f"{member.filename!r} is compressed in an unusual way")

            def read(member: zipfile.ZipInfo = member) -> bytes:
                # the claimed size may be a lie
                with archive.open(member) as file:
                    return file.read(max(LARGEST_FILE.values()) + 1)

            yield member.filename, member.is_dir(), member.file_size, read
