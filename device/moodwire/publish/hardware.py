"""What the machine says of itself, for people who look at the device in Home Assistant."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEVICE_TREE: Final = "proc/device-tree"
THERMAL: Final = "sys/class/thermal/thermal_zone0/temp"


@dataclass(frozen=True, slots=True)
class Hardware:
    """Empty text: not known."""

    model: str
    serial: str = ""
    has_thermometer: bool = False
    host: str = ""
    """Its name in the local network."""


def hardware(root: Path = Path("/")) -> Hardware:
    """The device tree of a Raspberry Pi, or the architecture of anything else."""
    serial = _text(root / DEVICE_TREE / "serial-number")
    has_thermometer = cpu_temperature(root) is not None
    return Hardware(board(root) or platform.machine(), serial, has_thermometer, platform.node())


def board(root: Path) -> str:
    """Empty where it is no Raspberry Pi or the like."""
    return _text(root / DEVICE_TREE / "model")


def cpu_temperature(root: Path = Path("/")) -> float | None:
    """Degrees Celsius; None where there is no sensor."""
    try:
        return int((root / THERMAL).read_text()) / 1000.0
    except (OSError, ValueError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().rstrip(b"\0\n").decode(errors="replace")
    except OSError:
        return ""
