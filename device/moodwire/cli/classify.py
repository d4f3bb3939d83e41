"""`moodwire classify`: which mood whole recordings have."""

from __future__ import annotations

import csv
import glob
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from moodwire.audio.file import FileSource, spelled
from moodwire.audio.source import SourceError
from moodwire.cli.options import config_options, read_config
from moodwire.cli.problems import SOME_FILES, SOUND, CommandError
from moodwire.cli.setup import SOUND_SUFFIXES, make_pipeline, read_bundle
from moodwire.clips import ClipMood, classify_clip, clip_config
from moodwire.config import ProfileName
from moodwire.decision.observation import by_label
from moodwire.pipeline import Pipeline

ROOMY = 100
"""Columns of a terminal on which all probabilities fit beside the file names."""

Result = tuple[Path, ClipMood]


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--json", "form", flag_value="json", help="One JSON object per file and line.")
@click.option("--csv", "form", flag_value="csv", help="One row per file, with a header.")
@config_options
def command(
    files: tuple[str, ...],
    form: str | None,
    config_path: Path | None,
    profile: ProfileName | None,
    model_path: Path | None,
) -> None:
    """Says which mood each recording has.

    FILES are sound files, folders (looked through to the bottom) and quoted globs. A recording in
    which nobody speaks is `quiet`. Files that cannot be read are named and left out; the exit code
    is then 7, or 5 where none could be read.
    """
    config = read_config(config_path, profile)
    bundle = read_bundle(config, model_path)
    pipeline = make_pipeline(bundle, clip_config(config, bundle.spec))
    paths = find_files(files)
    if not paths:
        named, kinds = ", ".join(files), ", ".join(sorted(SOUND_SUFFIXES))
        raise CommandError(f"no sound files in {named}; looked for {kinds}", SOUND)
    failures: list[Path] = []
    results = _with_progress(paths, lambda path: _classify(pipeline, path, failures))
    write: dict[str | None, Callable[[Iterator[Result], tuple[str, ...]], None]] = {
        "json": _write_json,
        "csv": _write_csv,
        None: _write_table,
    }
    write[form](results, bundle.labels)
    if failures:
        left_out = f"{len(failures)} of {len(paths)} files could not be read"
        raise CommandError(left_out, SOUND if len(failures) == len(paths) else SOME_FILES)


def find_files(named: Iterable[str]) -> list[Path]:
    """Each file once, folders in the order of their names; what is not there is kept as it is."""
    return list(dict.fromkeys(path for text in named for path in _look_up(text)))


def _look_up(text: str) -> list[Path]:
    path = Path(text)
    if path.is_dir():
        inside = sorted(each for each in path.rglob("*") if each.suffix.lower() in SOUND_SUFFIXES)
        return [each for each in inside if each.is_file() or not each.exists()]
    if os.path.lexists(path):  # glob finds a link that leads nowhere as itself, for ever
        return [path]
    matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207  # a Path globs no absolutes
    return [inner for match in matches for inner in _look_up(match)] or [path]


def _classify(pipeline: Pipeline, path: Path, failures: list[Path]) -> Iterator[Result]:
    try:
        source = FileSource(path)
        try:
            yield path, classify_clip(pipeline, source)
        finally:
            source.close()
    except SourceError as error:
        pipeline.reset(0.0)  # half of a damaged file may have been heard
        failures.append(path)
        click.echo(f"left out: {error}", err=True)


def _with_progress(paths: list[Path], work: Callable[[Path], Iterator[Result]]) -> Iterator[Result]:
    """A bar on the terminal's standard error while results go to the standard output."""
    progress = Progress(
        TextColumn("classifying"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    wanted = (sys.stderr.isatty() and not sys.stdout.isatty()) or len(paths) > 1
    with progress if wanted and sys.stderr.isatty() else nullcontext():
        task = progress.add_task("files", total=len(paths))
        for path in paths:
            yield from work(path)
            progress.advance(task)


def _write_json(results: Iterator[Result], labels: tuple[str, ...]) -> None:
    for path, clip in results:
        click.echo(json.dumps(_as_dict(path, clip, labels), ensure_ascii=False))


def _as_dict(path: Path, clip: ClipMood, labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        "path": spelled(path),
        "mood": clip.mood,
        "confidence": None if clip.confidence is None else round(clip.confidence, 4),
        "probabilities": by_label(labels, clip.probabilities, 4),
        "seconds": round(clip.seconds, 3),
        "windows": clip.windows,
    }


def _write_csv(results: Iterator[Result], labels: tuple[str, ...]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(["path", "mood", "confidence", "seconds", "windows", *labels])
    for path, clip in results:
        row = _as_dict(path, clip, labels)
        each = row["probabilities"] or dict.fromkeys(labels, "")
        confidence = "" if row["confidence"] is None else row["confidence"]
        head = [row["path"], row["mood"], confidence, row["seconds"], row["windows"]]
        writer.writerow([*head, *(each[label] for label in labels)])


def _write_table(results: Iterator[Result], labels: tuple[str, ...]) -> None:
    clips = list(results)
    if not clips:
        return
    console = Console()
    folder = _common_folder([path for path, _ in clips])
    roomy = console.width >= ROOMY
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    heading = f"in {spelled(folder)}/" if folder else "file"
    table.add_column(heading, overflow="fold", ratio=1, min_width=8)
    for name in ("mood", "sure", "seconds", *(labels if roomy else ("else",))):
        left = name in ("mood", "else")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for path, clip in clips:
        table.add_row(*_cells(path, folder, clip, labels, roomy))
    console.print(table)


def _cells(
    path: Path, folder: Path | None, clip: ClipMood, labels: tuple[str, ...], roomy: bool
) -> list[str]:
    name = spelled(path.relative_to(folder) if folder else path)
    cells = [escape(name), f"[bold]{clip.mood}[/]", "", f"{clip.seconds:.1f}"]
    if clip.probabilities is None or clip.confidence is None:
        return cells
    cells[2] = f"{clip.confidence:.0%}"
    if roomy:
        return cells + [f"[{_weight(p, clip.confidence)}]{p:.0%}[/]" for p in clip.probabilities]
    second = int(np.argsort(clip.probabilities)[-2])
    return [*cells, f"[dim]{labels[second]} {clip.probabilities[second]:.0%}[/]"]


def _weight(share: float, best: float) -> str:
    return "bold" if share >= best else "dim"


def _common_folder(paths: list[Path]) -> Path | None:
    """The folder that all files lie in, so that it need not be written in every row."""
    if len(paths) < 2 or len({path.is_absolute() for path in paths}) > 1:
        return None
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    return None if folder in (Path(), Path("/")) else folder
