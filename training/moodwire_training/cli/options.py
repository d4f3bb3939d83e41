"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from moodwire_training.material import DEFAULT_CACHE, Material, load_material
from moodwire_training.processes import Processes
from moodwire_training.store import Progress

Command = Callable[..., Any]


@dataclass(frozen=True)
class Data:
    """Where recordings lie, where their features are kept, and who computes what is missing."""

    roots: tuple[Path, ...]
    cache: Path
    processes: Processes

    def load(self) -> Material:
        def show(progress: Progress) -> None:
            click.echo(
                f"features: {progress.done}/{progress.total} clips, "
                f"{progress.seconds_left:.0f} s left",
                err=True,
            )

        def warn(line: str) -> None:
            click.echo(line, err=True)

        return load_material(self.roots, self.cache, self.processes, show, warn=warn)


ROOT = click.Path(exists=True, path_type=Path, resolve_path=True)
"""Whole, as features are kept by the paths of their clips: named otherwise, they would be computed
again."""

corpora_option = click.option(
    "--data",
    "roots",
    type=ROOT,
    multiple=True,
    envvar="MOODWIRE_DATA",
    required=True,
    help="Folder that the corpora lie below, or a CSV manifest; may be given several times.",
)


def data_options(command: Command) -> Command:
    """--data, --cache, --workers and --scheduler, handed on as `data`."""

    @corpora_option
    @click.option(
        "--cache",
        type=click.Path(path_type=Path),
        default=DEFAULT_CACHE,
        show_default=True,
        help="Where features are kept between runs.",
    )
    @click.option(
        "--workers",
        type=click.IntRange(1, 256),
        default=os.cpu_count() or 1,
        show_default=True,
        help="Processes that compute features.",
    )
    @click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="A Dask cluster does the work instead; its workers must share the folders.",
    )
    @wraps(command)
    def with_data(
        roots: tuple[Path, ...], cache: Path, workers: int, scheduler: str | None, **others: Any
    ) -> Any:
        who = Processes(workers, scheduler)
        data = Data(tuple(map(who.path, roots)), who.path(cache), who)
        return command(data=data, **others)

    return with_data


def manifest_option(command: Command) -> Command:
    """For commands that also need noise, rooms and plain speech: the folder that lists them."""
    return click.option(
        "--data",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        envvar="MOODWIRE_DATA",
        required=True,
        help="Folder with manifest.csv: acted and plain speech, noise and rooms.",
    )(command)
