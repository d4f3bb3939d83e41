"""The bundles that were installed on this device, and which of them is to run.

    models/NAME-HASH/     bundles, complete or not there at all
    models/active.json    the one that runs and the one before it; replaced in one step

A kill at any moment leaves the old choice or the new one, and perhaps rubbish that the next
installation sweeps away.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from moodwire import durable
from moodwire.config import Config, state_directory
from moodwire.model.archive import bundle_files
from moodwire.model.bundle import Bundle, load_bundle, shipped_bundle
from moodwire.model.manifest import BundleError
from moodwire.model.verify import verify
from moodwire.unreadable import UNREADABLE

SHIPPED = ""
"""Stands for the bundle that came with the program."""

INCOMING = ".incoming-"

READABLE = 0o644
"""Whoever installs, the service's user has to read it."""


class Active(Struct, frozen=True, forbid_unknown_fields=True):
    """Names of folders beside active.json."""

    current: str = SHIPPED
    previous: str = SHIPPED


class ModelStore:
    def __init__(self, state: Path) -> None:
        self._root = state / "models"
        self._choice = self._root / "active.json"

    @property
    def current(self) -> Path:
        return self._path(self._read().current)

    @property
    def previous(self) -> Path:
        return self._path(self._read().previous)

    def install(self, source: Path) -> Bundle:
        """Check first, then switch; on any error the present choice stays as it is."""
        files = bundle_files(source)
        with self._locked():
            incoming = Path(tempfile.mkdtemp(prefix=INCOMING, dir=self._root))
            try:
                for name, content in files.items():
                    durable.write(incoming / name, content, READABLE)
                incoming.chmod(0o755)
                bundle = verify(incoming)
                name = f"{bundle.name}-{bundle.hash}"
                self._place(incoming, name)
            finally:
                shutil.rmtree(incoming, ignore_errors=True)
            try:
                before = self._read()
            except BundleError:  # what ran before cannot be told, and installing is the remedy
                before = Active()
            previous = before.previous if before.current == name else before.current
            self._switch(Active(name, previous))
        return load_bundle(self._root / name)

    def rollback(self) -> Bundle:
        """Run what ran before; once more to come back."""
        with self._locked():
            before = self._read()
            if before.current == before.previous:
                raise BundleError(
                    "there is nothing to go back to: the shipped bundle runs, and no other did"
                )
            bundle = verify(self._path(before.previous))
            self._switch(Active(before.previous, before.current))
        return bundle

    def _read(self) -> Active:
        try:
            active = msgspec.json.decode(self._choice.read_bytes(), type=Active)
        except FileNotFoundError:
            return Active()
        except OSError as error:
            raise BundleError(f"{self._choice} cannot be read: {error.strerror}") from None
        except UNREADABLE as error:
            raise BundleError(
                f"{self._choice}: {error}; install a bundle again, or remove the file to run the "
                "shipped one"
            ) from None
        for name in (active.current, active.previous):
            if name != Path(name).name:
                raise BundleError(f"{self._choice} names {name!r}, which is no folder beside it")
        return active

    def _path(self, name: str) -> Path:
        return shipped_bundle() if name == SHIPPED else self._root / name

    def _place(self, incoming: Path, name: str) -> None:
        """Give the checked folder its name, unless the same bundle is there and still sound."""
        place = self._root / name
        try:
            load_bundle(place)
        except BundleError:
            shutil.rmtree(place, ignore_errors=True)
            incoming.rename(place)
            durable.flush(self._root)

    def _switch(self, active: Active) -> None:
        durable.replace(self._choice, msgspec.json.encode(active), READABLE)
        kept = {active.current, active.previous}
        for entry in self._root.iterdir():
            if entry.is_dir() and entry.name not in kept:
                shutil.rmtree(entry, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One installation at a time; the kernel frees the lock of one that was killed."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._root.chmod(0o755)  # whoever installs, the service's user has to read it
        with (self._root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def bundle_to_run(config: Config) -> Path:
    """`model.path` of the configuration, else what is installed, else what is shipped."""
    if config.model.path:
        return Path(config.model.path)
    return ModelStore(state_directory(config)).current
