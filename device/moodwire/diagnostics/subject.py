"""What is examined: the configuration and the model as they are, with their faults kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from moodwire.config import (
    Config,
    ConfigError,
    ConfigFile,
    find_config,
    load_config,
    state_directory,
)
from moodwire.config.file import SYSTEM_FILE
from moodwire.model import Bundle, BundleError, load_bundle
from moodwire.model.store import bundle_to_run
from moodwire.service.controls import FILE_NAME, Controls


@dataclass(frozen=True)
class Subject:
    """This device. Where the configuration cannot be used, the defaults stand in for it."""

    config: Config
    bundle: Bundle | None
    config_path: Path | None = None
    config_error: ConfigError | None = None
    bundle_fault: str = ""
    root: Path = Path("/")
    """Of /proc, /sys and /etc; another one in tests."""

    listen_seconds: float = 3.0

    muted: bool | None = False
    """From afar, on top of the configuration; None: this user may not know."""

    @property
    def unit(self) -> str:
        """The service that runs with this configuration: beside the system's own file lie those of
        other microphones."""
        path = (self.config_path or SYSTEM_FILE).absolute()
        if path == SYSTEM_FILE or path.parent != SYSTEM_FILE.parent:
            return "moodwire.service"
        return f"moodwire@{path.stem}.service"


def subject(file: Path | None, listen_seconds: float = 3.0) -> Subject:
    """Reads what there is; a fault is a finding, not an end."""
    path, config, config_error = find_config(file), Config(), None
    try:
        config = load_config(path)
    except ConfigError as error:
        config_error = error
    bundle, bundle_fault = None, ""
    try:
        bundle = load_bundle(bundle_to_run(config))
    except (BundleError, OSError) as error:
        bundle_fault = str(error)
    return Subject(
        config, bundle, path, config_error, bundle_fault,
        listen_seconds=listen_seconds, muted=_muted(state_directory(config)),
    )  # fmt: skip


def _muted(state: Path) -> bool | None:
    try:
        (state / FILE_NAME).open("rb").close()
    except PermissionError:
        return None
    except OSError:
        pass  # there is none, or the daemon cannot read it either
    return Controls.read(ConfigFile(), state).chosen.muted
