"""`moodwire devices`: the microphones, and what to write into the configuration for each."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from moodwire.audio.devices import InputDevice
from moodwire.audio.listing import list_devices
from moodwire.audio.source import SourceError
from moodwire.cli.problems import SOUND, exits_with


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table.")
def command(as_json: bool) -> None:
    """List the microphones. Exit code 5 if there is none.

    `microphone.name` in the configuration takes an identifier, a name or a part of a name. An
    identifier stays the same when devices are plugged in and out; usb-socket means whatever is
    plugged into that socket.
    """
    with exits_with(SOUND, SourceError):
        devices = list_devices()
    if as_json:
        click.echo(json.dumps([_settled(device) for device in devices], indent=2))
    elif devices:
        for device in devices:
            _show(device)
    else:
        click.echo("No microphone was found. Plug one in; `arecord -l` lists what Linux sees.")
    sys.exit(0 if devices else SOUND)


def _settled(device: InputDevice) -> dict[str, object]:
    """Without the index, lest anybody rely on it."""
    return {name: value for name, value in asdict(device).items() if name != "index"}


def _show(device: InputDevice) -> None:
    mark = "*" if device.default else " "
    click.echo(f"{mark} {device.name}   ({device.channels} channels, {device.rate} Hz)")
    for identifier in device.identifiers:
        click.echo(f"      {identifier}")
