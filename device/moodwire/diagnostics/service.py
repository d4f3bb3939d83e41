"""Does systemd run the service, how often did it fall, is its watchdog on."""

from __future__ import annotations

import subprocess
from pathlib import Path

from moodwire.diagnostics.finding import Findings, broken, fine, skipped, warning

PROPERTIES = (
    "LoadState", "ActiveState", "SubState", "Result", "NRestarts", "WatchdogUSec", "StatusText",
    "ExecMainStatus", "UnitFileState", "ProtectClock",
)  # fmt: skip
MANY_RESTARTS = 3


def look(unit: str, root: Path = Path("/")) -> Findings:
    if not (root / "run/systemd/system").is_dir():
        yield skipped("unit", "systemd does not run here")
        return
    state = properties(unit)
    log = f"journalctl -u {unit} -n 50"
    if state.get("LoadState") != "loaded":
        yield broken("unit", f"{unit} is not installed", "sudo firmware_config/install.sh")
        return
    active = state["ActiveState"]
    seen = f"{unit} is {active} ({state['SubState']}), {state['UnitFileState']}"
    if active == "active":
        yield fine("unit", f"{seen}; {state['StatusText']}".rstrip("; "))
    elif active == "inactive":
        yield warning("unit", seen, f"sudo systemctl enable --now {unit}")
        return  # one that is not loaded seems to have no watchdog
    else:
        last = f"; {state['Result']}, exit status {state['ExecMainStatus']}"
        yield broken("unit", seen + last, log)
    restarts = int(state["NRestarts"] or 0)
    if restarts > MANY_RESTARTS:
        yield warning("restarts", f"{restarts} since it was started", f"see why: {log}")
    else:
        yield fine("restarts", str(restarts))
    if state["WatchdogUSec"] in ("0", "infinity", ""):
        yield warning("watchdog", "off: a hung service would stay deaf", f"systemctl cat {unit}")
    else:
        yield fine("watchdog", f"on, {state['WatchdogUSec']}")


def properties(unit: str) -> dict[str, str]:
    shown = subprocess.run(
        ["systemctl", "show", unit, f"--property={','.join(PROPERTIES)}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    ).stdout
    pairs = (line.partition("=") for line in shown.splitlines())
    return dict.fromkeys(PROPERTIES, "") | {key: value for key, _, value in pairs}
