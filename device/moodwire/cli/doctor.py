"""`moodwire doctor`: what is wrong with this device, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from moodwire.cli.options import CONFIG, Span
from moodwire.cli.problems import BROKEN, WARNED

UNIT = click.option(
    "--unit", help="The service to look at; default: the one that runs with that configuration."
)


@click.command()
@CONFIG
@UNIT
@click.option(
    "--seconds",
    type=Span(1.0, 60.0),
    default=3.0,
    show_default=True,
    help="How long to listen; nothing is kept.",
)
@click.option("--json", "as_json_", is_flag=True, help="For programs.")
def command(file: Path | None, unit: str | None, seconds: float, as_json_: bool) -> None:
    """Examines this device, stage by stage, and names the remedy for what is wrong.

    Ends with 0 if all is fine, 10 if there is something to look at, 11 if something is broken.
    Each topic on the broker gets back what it retains, or an empty message.
    """
    from moodwire.diagnostics.examination import examine_device
    from moodwire.diagnostics.finding import Grade
    from moodwire.diagnostics.report import as_json, summary, worst_of
    from moodwire.diagnostics.subject import subject

    def show(line: str) -> None:
        if not as_json_:
            click.echo(line)

    about = subject(file, seconds)
    stages = examine_device(about, unit or about.unit, show)
    if as_json_:
        click.echo(json.dumps(as_json(stages), indent=2, ensure_ascii=False))
    else:
        click.echo(summary(stages))
    raise SystemExit({Grade.BROKEN: BROKEN, Grade.WARNING: WARNED}.get(worst_of(stages), 0))
