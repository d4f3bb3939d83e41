"""`moodwire schema`: what consumers of the messages may rely on."""

from __future__ import annotations

import json

import click

from moodwire.events import json_schema


@click.command()
def command() -> None:
    """Prints the JSON Schema of every message that leaves the device."""
    click.echo(json.dumps(json_schema(), indent=2))
