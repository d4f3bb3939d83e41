"""Where a secret lies: the service gets private copies from systemd, a person's shell does not."""

from __future__ import annotations

import os
from pathlib import Path

SYSTEM_CREDENTIALS = Path("/etc/moodwire/credentials")
"""Only root may enter; systemd hands copies to the service (LoadCredential in the unit)."""

CREDENTIAL_PREFIX = "mqtt_"
"""systemd names the copies ID_NAME."""


def credential_path(name: str) -> Path:
    """A path as it stands; a bare name in systemd's copies, else in SYSTEM_CREDENTIALS."""
    if "/" in name:
        return Path(name)
    copies = os.environ.get("CREDENTIALS_DIRECTORY")
    if copies and (copy := Path(copies, CREDENTIAL_PREFIX + name)).exists():
        return copy
    return SYSTEM_CREDENTIALS / name
