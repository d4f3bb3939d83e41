"""`moodwire replay`: a recording through the whole pipeline, or its windows again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click

from moodwire.audio.source import Source, SourceError
from moodwire.cli.options import config_options, read_config
from moodwire.cli.problems import CONFIGURATION, SOUND, exits_with
from moodwire.cli.setup import make_pipeline, open_recording, read_bundle
from moodwire.cli.teller import Summary, Teller
from moodwire.config import Config, ProfileName
from moodwire.decision.decider import Decider
from moodwire.decision.observation import Observation
from moodwire.decision.recording import (
    Header,
    RecordingError,
    WindowWriter,
    read_header,
    read_windows,
)
from moodwire.decision.thresholds import UnknownMoodError
from moodwire.hearing import Pace, clock_for, hear
from moodwire.model import Bundle
from moodwire.publish.composer import ModelIdentity

LATEST_START = 9000
"""Year; what is heard after the year 9999 can be told by no date."""

WINDOWS_SUFFIX = ".jsonl"
"""Tells a record of windows from sound, in both directions."""


@click.command()
@click.argument("file")
@click.option("--fast", is_flag=True, help="As fast as it goes instead of in real time.")
@click.option("--values", is_flag=True, help="Print the retained values too, not only the events.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the windows (numbers, never sound) to this .jsonl file.",
)
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]),
    help="UTC time at which the recording began; default: now.",
)
@config_options
def command(
    file: str,
    fast: bool,
    values: bool,
    record: Path | None,
    start: datetime | None,
    config_path: Path | None,
    profile: ProfileName | None,
    model_path: Path | None,
) -> None:
    """Plays FILE through the pipeline and prints the events that MQTT would carry.

    FILE is a sound file, - for the standard input, or a .jsonl file that --record wrote: then only
    the decision runs, with the present settings. The same file gives the same events every time.
    """
    if record is not None:
        _check_record(record, file)
    if start and start.year > LATEST_START:
        raise click.BadParameter(f"not after the year {LATEST_START}", param_hint="--start")
    config = read_config(config_path, profile)
    began = start.replace(tzinfo=UTC) if start else None
    pace = None if fast else Pace()
    with ExitStack() as open_files:
        if file.endswith(WINDOWS_SUFFIX):
            model, seen = _from_windows(Path(file), config, open_files)
        else:
            bundle = read_bundle(config, model_path)
            model = ModelIdentity(bundle.name, bundle.hash, bundle.labels)
            source = open_recording(file, config)
            open_files.callback(source.close)
            writer = _writer(record, bundle, open_files)
            seen = _from_sound(source, bundle, config, writer)
        teller = Teller(config, model, clock_for(True, began), values=values, run="replay")
        teller.source("live")
        _tell(seen, teller, pace)


def _check_record(record: Path, file: str) -> None:
    """Opening it empties it: nothing that is heard, or was recorded as sound, may be lost so."""
    if file.endswith(WINDOWS_SUFFIX):
        refusal = f"{file} is itself such a record; --record needs sound"
    elif record.suffix != WINDOWS_SUFFIX:
        refusal = f"{record} does not end in {WINDOWS_SUFFIX}"
    elif _same_file(record, file):
        refusal = f"{record} is the recording that is to be replayed; name another file"
    else:
        return
    raise click.BadParameter(refusal, param_hint="--record")


def _same_file(record: Path, file: str) -> bool:
    """Also under another name, or by way of the standard input."""
    try:
        source = os.fstat(0) if file == "-" else Path(file).stat()
        return os.path.samestat(record.stat(), source)
    except OSError:  # one of them is not there
        return False


def _tell(seen: Iterator[Observation], teller: Teller, pace: Pace | None) -> None:
    summary, started, first, last = Summary(), time.monotonic(), None, 0.0
    with exits_with(SOUND, SourceError, RecordingError):
        for observation in seen:
            last = observation.window.time
            first = last if first is None else first
            if pace:
                pace.wait_for(last - first)
            summary.add(observation)
            teller.tell(observation)
    took = time.monotonic() - started
    click.echo(f"{last - (first or 0.0):.1f} s in {took:.1f} s: {summary}", err=True)


def _from_sound(
    source: Source, bundle: Bundle, config: Config, writer: WindowWriter | None
) -> Iterator[Observation]:
    pipeline = make_pipeline(bundle, config)
    for step in hear(pipeline, source):
        for observation in step.told:
            if writer:
                writer.add(observation)
            yield observation


def _from_windows(
    path: Path, config: Config, open_files: ExitStack
) -> tuple[ModelIdentity, Iterator[Observation]]:
    with exits_with(SOUND, OSError, RecordingError):
        file = open_files.enter_context(path.open("rb"))
        header = read_header(file)
    with exits_with(CONFIGURATION, UnknownMoodError):
        decider = Decider(header.labels, config.decision, config.alert, header.advice)
    identity = ModelIdentity(header.model, header.model_hash, tuple(header.labels))
    items = read_windows(file, header)
    told = (decider.stop(i) if isinstance(i, float) else decider.step(i) for i in items)
    return identity, told


def _writer(path: Path | None, bundle: Bundle, open_files: ExitStack) -> WindowWriter | None:
    if path is None:
        return None
    header = Header(
        labels=list(bundle.labels),
        model=bundle.name,
        model_hash=bundle.hash,
        advice=bundle.manifest.thresholds,
    )
    with exits_with(SOUND, OSError, RecordingError):
        file = open_files.enter_context(path.open("wb", buffering=0))
        return WindowWriter(file, header)
