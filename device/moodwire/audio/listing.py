"""Which microphones there are, asked in a process of its own.

PortAudio opens whatever it lists and waits for the answer, for ever where the audio server hangs.
Who looks for that fault must not hang with it.

The process takes the root of the system as its argument, and prints one line of JSON: the devices,
or {"error": ...}.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from moodwire.audio.devices import InputDevice, input_devices
from moodwire.audio.errors import SourceError

PATIENCE_SECONDS = 15.0
"""A slow board with a sleeping sound server takes a few."""


def list_devices(root: Path = Path("/"), patience: float = PATIENCE_SECONDS) -> list[InputDevice]:
    """What `input_devices` finds; SourceError where it finds out nothing."""
    command = [sys.executable, "-P", "-m", "moodwire.audio.listing", str(root)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=patience, check=True
        )
    except subprocess.TimeoutExpired:
        raise SourceError(
            f"the sound system gave no list of microphones in {patience:g} s; restart its server "
            "(systemctl --user restart pipewire, or pulseaudio -k), or unplug the microphone and "
            "plug it in again"
        ) from None
    except subprocess.CalledProcessError as error:
        raise SourceError(
            f"looking for microphones ended with status {error.returncode}; see above"
        ) from None
    found = json.loads(done.stdout)
    if isinstance(found, dict):
        raise SourceError(found["error"])
    return [
        InputDevice(**device | {"identifiers": tuple(device["identifiers"])}) for device in found
    ]


def main() -> None:
    try:
        found: object = [asdict(device) for device in input_devices(Path(sys.argv[1]))]
    except SourceError as error:
        found = {"error": str(error)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
