"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from moodwire_training.material import DEFAULT_CACHE, Material, load_material
from moodwire_training.store import Progress

Command = Callable[..., Any]


def data_options(command: Command) -> Command:
    command = click.option(
        "--data",
        "roots",
        type=click.Path(exists=True, path_type=Path),
        multiple=True,
        envvar="MOODWIRE_DATA",
        required=True,
        help="Folder that the corpora lie below, or a CSV manifest; may be given several times.",
    )(command)
    command = click.option(
        "--cache",
        type=click.Path(path_type=Path),
        default=DEFAULT_CACHE,
        show_default=True,
        help="Where features are kept between runs.",
    )(command)
    return click.option(
        "--workers",
        type=click.IntRange(1, 256),
        default=os.cpu_count() or 1,
        show_default=True,
        help="Processes that compute features.",
    )(command)


def load(roots: tuple[Path, ...], cache: Path, workers: int) -> Material:
    def show(progress: Progress) -> None:
        click.echo(
            f"features: {progress.done}/{progress.total} clips, {progress.seconds_left:.0f} s left",
            err=True,
        )

    return load_material(roots, cache, workers, show)


def manifest_option(command: Command) -> Command:
    """For commands that also need noise, rooms and plain speech: the folder that lists them."""
    return click.option(
        "--data",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        envvar="MOODWIRE_DATA",
        required=True,
        help="Folder with manifest.csv: acted and plain speech, noise and rooms.",
    )(command)
