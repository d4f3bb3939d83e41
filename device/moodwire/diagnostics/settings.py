"""Is the configuration usable, and can everybody read it who must."""

from __future__ import annotations

import os
from pathlib import Path

from moodwire.config import ConfigDeniedError, credential_path
from moodwire.config.reach import hash_fault
from moodwire.diagnostics.finding import Findings, broken, fine, warning
from moodwire.diagnostics.subject import Subject

READABLE_BY_ALL = 0o004
CREATE = "create it; if it exists: sudo moodwire doctor"


def look(about: Subject) -> Findings:
    path = about.config_path
    if about.config_error is not None:
        remedy = "mend it, then: moodwire config check; the defaults are examined below"
        if isinstance(about.config_error, ConfigDeniedError):
            remedy = "sudo moodwire doctor"
        yield broken("file", str(about.config_error), remedy)
        return
    if path is None:
        yield warning(
            "file",
            "there is none; the defaults are in force",
            "moodwire config example > config.toml; then --config config.toml",
        )
        return
    yield fine("file", f"{path}, profile {about.config.profile}")
    yield from _secrets(about)


def _secrets(about: Subject) -> Findings:
    mqtt, web = about.config.mqtt, about.config.web
    path = about.config_path
    if mqtt.password and path is not None and path.stat().st_mode & READABLE_BY_ALL:
        yield warning(
            "secrets",
            f"{path} holds a password and everybody may read it",
            f"put the password into {credential_path('password')} (and mqtt.password_file = "
            f'"password"), or: chmod o-r {path}',
        )
    named = {
        "mqtt.password_file": mqtt.password_file,
        "mqtt.ca_file": mqtt.ca_file,
        "mqtt.certificate_file": mqtt.certificate_file,
        "mqtt.key_file": mqtt.key_file,
    }
    for setting, name in named.items():
        if name and not os.access(credential_path(name), os.R_OK):
            yield broken(
                "secrets",
                f"{setting}: {credential_path(name)} cannot be read by this user",
                CREATE,
            )
    if web.enabled and web.password_file:
        yield from _page_password(credential_path(web.password_file))


def _page_password(path: Path) -> Findings:
    try:
        fault, remedy = hash_fault(path.read_text(errors="replace").strip()), "put it into the file"
    except OSError as error:
        fault, remedy = str(error.strerror), CREATE
    if fault:
        yield broken("secrets", f"web.password_file: {path}: {fault}", remedy)
