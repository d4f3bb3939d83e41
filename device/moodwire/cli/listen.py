"""`moodwire listen`: show live what is heard, and what is made of it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live

from moodwire.audio.file import FileSource
from moodwire.audio.source import Source, SourceError
from moodwire.audio.wav import RawFormat
from moodwire.cli.live import Scene, describe
from moodwire.cli.problems import SOUND, exits_with
from moodwire.cli.setup import (
    config_options,
    make_pipeline,
    open_input,
    read_bundle,
    read_config,
)
from moodwire.cli.teller import Summary, Teller, clock_for
from moodwire.config import Config, ProfileName
from moodwire.decision.thresholds import thresholds
from moodwire.hearing import Heard, Pace, hear
from moodwire.model import Bundle
from moodwire.publish.composer import ModelIdentity


@click.command()
@click.option("--input", "-i", "wanted", help="A file, - for the standard input, or a microphone.")
@click.option("--plain", is_flag=True, help="Topics and payloads line by line, as without a tty.")
@click.option("--rate", type=int, default=16_000, help="Of raw 16-bit samples on a pipe.")
@config_options
def command(
    wanted: str | None,
    plain: bool,
    rate: int,
    config_path: Path | None,
    profile: ProfileName | None,
    model_path: Path | None,
) -> None:
    """Listens to the microphone, or to a recording in real time, and shows moods as they come.

    On a terminal there is a live view; elsewhere, or with --plain, every line is a topic and a
    payload, as MQTT would carry them. Nothing is published, and no sound is kept. A recording ends
    by itself, a microphone with Ctrl-C.
    """
    config = read_config(config_path, profile)
    bundle = read_bundle(config, model_path)
    pipeline = make_pipeline(bundle, config)
    click.echo(f"opening {_called(wanted, config)}", err=True)
    source = open_input(wanted, config, RawFormat(rate=rate))
    heard = _paced(hear(pipeline, source), source)
    summary = Summary()
    try:
        with exits_with(SOUND, SourceError):
            if plain or not sys.stdout.isatty():
                _print(heard, _teller(source, bundle, config), summary)
            else:
                _show(heard, _scene(source, bundle, config), summary)
    except KeyboardInterrupt:
        pass  # the way in which listening to a microphone ends
    finally:
        source.close()
    click.echo(f"{source.name}: {summary}", err=True)


def _called(wanted: str | None, config: Config) -> str:
    if wanted == "-":
        return "the standard input"
    return wanted or config.microphone.name or "the default microphone"


def _paced(heard: Iterator[Heard], source: Source) -> Iterator[Heard]:
    """A recording in real time."""
    pace = Pace() if isinstance(source, FileSource) else None
    for chunk, told in heard:
        if pace and chunk:
            pace.wait_for(chunk.end)
        yield chunk, told


def _teller(source: Source, bundle: Bundle, config: Config) -> Teller:
    identity = ModelIdentity(bundle.name, bundle.hash, bundle.labels)
    return Teller(config, identity, clock_for(not source.live), values=True)


def _print(heard: Iterator[Heard], teller: Teller, summary: Summary) -> None:
    for _, told in heard:
        for seen in told:
            summary.add(seen)
            teller.tell(seen)


def _scene(source: Source, bundle: Bundle, config: Config) -> Scene:
    limits = thresholds(bundle.labels, config.decision, bundle.manifest.thresholds)
    return Scene(
        title=f"{source.name}, {bundle.name} {bundle.manifest.version}, {config.profile}",
        labels=bundle.labels,
        enter=tuple(limits.enter),
    )


@contextmanager
def _killed_tidily() -> Iterator[None]:
    """`timeout`, `kill` and a closed terminal leave the cursor visible, too."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _show(heard: Iterator[Heard], scene: Scene, summary: Summary) -> None:
    last_chunk = time.monotonic()
    with _killed_tidily(), Live(scene, console=Console(), auto_refresh=False) as live:
        for chunk, told in heard:
            now = time.monotonic()
            if chunk:
                last_chunk = now
                scene.heard += len(chunk.samples) / chunk.rate
            scene.waiting = now - last_chunk
            for seen in told:
                summary.add(seen)
                scene.add(seen)
                for change in seen.changes:
                    live.console.print(describe(change, scene.heard, scene.labels))
            if told or not chunk:  # drawing costs more than hearing
                live.refresh()
