"""The machine around the program: clock, heat, power, memory, disk, and what wears an SD card out.

The root of /proc and /sys is a parameter, so that a test can be any Raspberry Pi.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from moodwire.config import state_directory
from moodwire.diagnostics.finding import Findings, broken, fine, skipped, warning
from moodwire.diagnostics.service import properties
from moodwire.diagnostics.subject import Subject
from moodwire.publish.clock import TIMESYNC_MARKER, clock_is_set
from moodwire.publish.hardware import cpu_temperature

MEBIBYTE = 1024 * 1024

HOT, TOO_HOT = 75.0, 80.0
"""Degrees Celsius; at 80 a Raspberry Pi slows itself down."""

LEAST_MEMORY = 96 * MEBIBYTE
LEAST_DISK, LITTLE_DISK = 16 * MEBIBYTE, 200 * MEBIBYTE

THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
THROTTLE_BITS = {
    0: "under-voltage now",
    1: "frequency capped now",
    2: "throttled now",
    3: "soft temperature limit now",
    16: "under-voltage since boot",
    17: "frequency was capped since boot",
    18: "throttled since boot",
    19: "soft temperature limit since boot",
}
SUPPLY_BITS = (1 << 0) | (1 << 16)


def look(about: Subject) -> Findings:
    yield from _clock(about)
    yield from _temperature(about.root)
    yield from _power(about.root)
    yield from _memory(about.root)
    yield from _disk(_existing(state_directory(about.config)))
    yield from _wear(about.root)


def _existing(directory: Path) -> Path:
    """Before the first run, the nearest directory above it that exists."""
    return next(each for each in (directory, *directory.parents) if each.exists())


def _clock(about: Subject) -> Findings:
    if not clock_is_set(about.root):
        yield warning(
            "clock",
            "not synchronised; events say so, and consumers cannot trust their times",
            "timedatectl set-ntp true; in a car without network add a clock with a battery",
        )
    elif (about.root / TIMESYNC_MARKER).exists() or not _may_not_ask_the_kernel(about):
        yield fine("clock", "synchronised")
    else:
        yield warning(
            "clock",
            f"synchronised, but not by systemd-timesyncd: {about.unit} does not see it, and its "
            "events say the opposite",
            f"sudo systemctl edit {about.unit}, under [Service]: ProtectClock=no and, a line "
            "below, SystemCallFilter=adjtimex clock_adjtime; then restart it",
        )


def _may_not_ask_the_kernel(about: Subject) -> bool:
    systemd_runs = (about.root / "run/systemd/system").is_dir()
    return systemd_runs and properties(about.unit)["ProtectClock"] == "yes"


def _temperature(root: Path) -> Findings:
    degrees = cpu_temperature(root)
    if degrees is None:
        yield skipped("temperature", "no sensor")
    elif degrees < HOT:
        yield fine("temperature", f"{degrees:.0f} degrees")
    else:
        grade = broken if degrees >= TOO_HOT else warning
        yield grade("temperature", f"{degrees:.0f} degrees", "add a heat sink or move it to air")


def _power(root: Path) -> Findings:
    try:
        flags = int((root / THROTTLED).read_text(), 16)
    except (OSError, ValueError):
        yield skipped("power", "no firmware to ask; not a Raspberry Pi")
        return
    if not flags:
        yield fine("power", "no under-voltage, no throttling since boot")
        return
    told = ", ".join(words for bit, words in THROTTLE_BITS.items() if flags >> bit & 1)
    remedy = (
        "use the official power supply and a short, thick cable"
        if flags & SUPPLY_BITS
        else "cool the board: heat sink, air, or out of the sun"
    )
    yield warning("power", told, remedy)


def _memory(root: Path) -> Findings:
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    if not found:
        yield skipped("memory", "/proc/meminfo does not tell")
        return
    free = int(found[1]) * 1024
    seen = f"{free // MEBIBYTE} MiB available"
    if free < LEAST_MEMORY:
        yield warning("memory", seen, "stop other services; see: ps aux --sort -rss | head")
    else:
        yield fine("memory", seen)


def _disk(directory: Path) -> Findings:
    """A full disk shows only in writing; so does a read-only one."""
    room = os.statvfs(directory)
    free = room.f_bavail * room.f_frsize
    seen = f"{free // MEBIBYTE} MiB free in {directory}"
    make_room = "make room: sudo apt-get clean; sudo journalctl --vacuum-size=50M"
    try:
        with tempfile.NamedTemporaryFile(dir=directory, prefix=".doctor-") as file:
            file.write(bytes(64 * 1024))
            file.flush()
            os.fsync(file.fileno())
    except PermissionError:
        yield skipped("writing", f"this user may not write to {directory}; try with sudo")
    except OSError as error:
        yield broken("writing", f"{seen}; writing fails: {error.strerror}", make_room)
        return
    if free < LEAST_DISK:
        yield broken("disk", seen, make_room)
    elif free < LITTLE_DISK:
        yield warning("disk", seen, make_room)
    else:
        yield fine("disk", seen)


def _wear(root: Path) -> Findings:
    """Only for a root on an SD card; Moodwire itself writes next to nothing."""
    mounts = [line.split() for line in _text(root / "proc/mounts").splitlines()]
    device, options = next(((m[0], m[3].split(",")) for m in mounts if m[1] == "/"), ("", []))
    if not device.startswith("/dev/mmcblk"):
        yield skipped("SD card", "the system does not run from one")
        return
    if "ro" in options:
        yield fine("SD card", "read-only root")
        return
    faults = []
    if not {"noatime", "relatime"} & set(options):
        faults.append("every reading writes an access time (add noatime in /etc/fstab)")
    swaps = [line.split()[0] for line in _text(root / "proc/swaps").splitlines()[1:]]
    if any(not name.startswith("/dev/zram") for name in swaps):
        faults.append("swap lies on the card (sudo dphys-swapfile swapoff; or use zram)")
    if (root / "var/log/journal").is_dir():
        faults.append("the journal is kept on the card (Storage=volatile in journald.conf)")
    if faults:
        yield warning(
            "SD card", "; ".join(faults), "see /usr/share/moodwire/boot/read-only-root.txt"
        )
    else:
        yield fine("SD card", "access times, swap and journal stay off it")


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
