"""`moodwire support`: one file for whoever is to help."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from moodwire.cli.doctor import UNIT
from moodwire.cli.options import CONFIG
from moodwire.cli.problems import OUTPUT, exits_with


@click.command()
@click.argument("output", required=False, type=click.Path(path_type=Path, allow_dash=True))
@CONFIG
@UNIT
def command(output: Path | None, file: Path | None, unit: str | None) -> None:
    """Writes versions, configuration without secrets, log lines and findings into one file.

    OUTPUT is moodwire-support-DATE.txt unless given; - prints it. Read it before you send it:
    it names your host, your broker and your microphones.
    """
    from moodwire.diagnostics.subject import subject
    from moodwire.diagnostics.support import write_support

    about = subject(file)
    unit = unit or about.unit
    if output == Path("-"):
        click.echo(write_support(about, unit))
        return
    path = output or Path(f"moodwire-support-{datetime.now():%Y%m%d-%H%M}.txt")
    with exits_with(OUTPUT, OSError):
        path.open("a").close()  # the examination takes its time: who cannot write need not wait
    text = write_support(about, unit)
    with exits_with(OUTPUT, OSError):
        path.write_text(text)
    click.echo(f"{path} ({len(text) // 1024 + 1} KiB); read it before you send it")
