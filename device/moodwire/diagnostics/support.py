"""All that helps to help somebody, in one text file, with every secret taken out.

Secrets are taken out twice: the configuration is shown without them, and whatever text of theirs
turns up anywhere else, in a log line or an error, is struck out.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import distributions

import click

import moodwire
from moodwire.config import Config
from moodwire.config.text import HIDDEN, show
from moodwire.diagnostics.examination import examine_device
from moodwire.diagnostics.subject import Subject
from moodwire.publish.broker import BrokerError, broker_from

LOG_LINES = 300

COMMANDS = (
    ("uname", "-a"),
    ("cat", "/etc/os-release"),
    ("cat", "/proc/asound/cards"),
    ("lsusb",),
    ("systemctl", "status", "--no-pager", "--lines=0"),
)


def write_support(about: Subject, unit: str) -> str:
    """The whole text; doctor's findings come last because they take longest."""
    commands = [*COMMANDS[:-1], (*COMMANDS[-1], unit)]
    log = ("journalctl", "--unit", unit, "--lines", str(LOG_LINES), "--no-pager", "-o", "short-iso")
    findings: list[str] = []
    examine_device(about, unit, findings.append)
    parts = [
        ("Moodwire", _head()),
        ("Configuration", str(about.config_error or show(about.config))),
        *((" ".join(command), _output(command)) for command in (*commands, log)),
        ("Packages", "\n".join(_packages())),
        ("Examination", click.unstyle("\n".join(findings))),
    ]
    text = "\n".join(f"==== {title}\n{content.rstrip()}\n" for title, content in parts)
    return strike_out(text, about.config)


def strike_out(text: str, config: Config) -> str:
    """Replaces what the configuration, its files and the environment hold as secrets."""
    secrets = {config.mqtt.password}
    try:
        secrets.add(broker_from(config.mqtt).password)
    except BrokerError:
        pass  # a file that we cannot read cannot have got into the text either
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _head() -> str:
    return (
        f"moodwire {moodwire.__version__}, Python {platform.python_version()} "
        f"({sys.executable}), {platform.machine()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def _packages() -> Iterator[str]:
    """Versions only: nothing says more about a device that computes wrongly."""
    yield from sorted({f"{each.name} {each.version}" for each in distributions()}, key=str.lower)


def _output(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"({error})"
    return done.stdout or f"({done.stderr.strip() or f'ended with {done.returncode}'})"
