"""`moodwire sample`: something to listen to where there is no microphone."""

from __future__ import annotations

from pathlib import Path

import click

from moodwire.audio.sample import write_sample
from moodwire.cli.problems import OUTPUT, exits_with


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def command(file: Path) -> None:
    """Write a WAV recording of a synthetic voice that changes its mood, to FILE."""
    with exits_with(OUTPUT, OSError):
        write_sample(file)
    click.echo(f"wrote {file}", err=True)
