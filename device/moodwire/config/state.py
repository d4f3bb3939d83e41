"""The one directory that Moodwire may write to."""

from __future__ import annotations

import os
from pathlib import Path

from moodwire.config.sections import Config

SERVICE_DIRECTORY = Path("/var/lib/moodwire")


def state_directory(config: Config) -> Path:
    """From the configuration, systemd, the installed service, or the user's own state."""
    if config.paths.state:
        return Path(config.paths.state)
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    if os.access(SERVICE_DIRECTORY, os.W_OK):
        return SERVICE_DIRECTORY
    try:
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    except RuntimeError:  # a user that the system does not know, and no $HOME
        return SERVICE_DIRECTORY
    return Path(home) / "moodwire"
