"""`moodwire-train augment`: examples of every augmentation to listen to."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from moodwire_training.cli.options import Data, data_options


@click.command()
@click.option("--listen", type=click.Path(path_type=Path), required=True, help="Folder for WAVs.")
@click.option("--clips", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@data_options
def command(listen: Path, clips: int, seed: int, data: Data) -> None:
    """Write examples of every augmentation, made audible from the log-mel frames."""
    from moodwire_training.folds import SURROUNDINGS
    from moodwire_training.listen import write_examples
    from moodwire_training.surroundings import surroundings_of

    material = data.load()
    around = surroundings_of(material.store, material.bank, SURROUNDINGS, evaluation=False)
    speech = [
        row
        for row, clip in enumerate(material.store.clips)
        if clip.is_speech and clip.emotion != "neutral"
    ]
    chosen = np.random.default_rng(seed).permutation(speech)[:clips]
    for file in write_examples(listen, material, around, [int(row) for row in chosen], seed):
        click.echo(file)
