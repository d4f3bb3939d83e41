"""`moodwire-train features`: compute the device's features of every clip, or export a table."""

from __future__ import annotations

from pathlib import Path

import click

from moodwire_training.cli.options import Data, data_options


@click.command()
@click.option(
    "--export",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV with one row per clip: MFCC means and deviations, energy, speech extent.",
)
@data_options
def command(export: Path | None, data: Data) -> None:
    """Compute the device's features of every clip; what is cached is not computed again."""
    from moodwire_training.export import write_table

    material = data.load()
    store = material.store
    click.echo(f"{len(store.clips)} clips, {len(store.frames)} frames in {data.cache}")
    for path, reason in store.unusable.items():
        click.echo(f"  left out: {path}: {reason}")
    if export:
        write_table(export, material)
        click.echo(f"wrote {export}")
