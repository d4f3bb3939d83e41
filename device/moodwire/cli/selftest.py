"""`moodwire selftest`: in seconds, without microphone and network, does this device compute right.

The installation runs it before it switches to a new version.
"""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter

import click

from moodwire.cli.options import CONFIG
from moodwire.cli.problems import BROKEN


@click.command()
@CONFIG
@click.option("--json", "as_json_", is_flag=True, help="For programs.")
def command(file: Path | None, as_json_: bool) -> None:
    """Proves features, model and pipeline against golden data; needs no microphone and no network.

    Ends with 0 if this device computes what it should, with 11 if not.
    """
    from moodwire.diagnostics import runtime
    from moodwire.diagnostics.finding import Grade
    from moodwire.diagnostics.model import look_at_model
    from moodwire.diagnostics.proof import prove_features
    from moodwire.diagnostics.report import as_json, examine, summary, worst_of
    from moodwire.diagnostics.subject import subject

    def show(line: str) -> None:
        if not as_json_:
            click.echo(line)

    begun = perf_counter()
    about = subject(file)
    stages = [
        examine("Runtime", lambda: runtime.look(about), show),
        examine("Features", prove_features, show),
        examine("Model", lambda: look_at_model(about), show),
    ]
    seconds = perf_counter() - begun
    if as_json_:
        click.echo(json.dumps({**as_json(stages), "seconds": round(seconds, 3)}, indent=2))
    else:
        click.echo(f"{summary(stages)}, in {seconds:.1f} s")
    raise SystemExit(BROKEN if worst_of(stages) is Grade.BROKEN else 0)
