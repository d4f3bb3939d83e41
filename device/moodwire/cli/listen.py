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

from moodwire.audio.capture_source import CaptureSource
from moodwire.audio.file import FileSource
from moodwire.audio.source import MODEL_RATE, Source, SourceError
from moodwire.audio.wav import RawFormat
from moodwire.cli.live import Scene, describe
from moodwire.cli.options import config_options, read_config
from moodwire.cli.problems import SOUND, exits_with
from moodwire.cli.setup import make_pipeline, open_input, read_bundle
from moodwire.cli.teller import Summary, Teller
from moodwire.config import Config, ProfileName
from moodwire.decision.thresholds import thresholds
from moodwire.events import HEARING
from moodwire.hearing import Pace, Step, dated, hear
from moodwire.model import Bundle
from moodwire.publish.clock import Clock
from moodwire.publish.composer import ModelIdentity

SILENCE = "only digital silence arrives: every sample is zero; see moodwire doctor"


@click.command()
@click.option("--input", "-i", "wanted", help="A file, - for the standard input, or a microphone.")
@click.option("--plain", is_flag=True, help="Topics and payloads line by line, as without a tty.")
@click.option("--rate", type=int, default=MODEL_RATE, help="Of raw 16-bit samples on a pipe.")
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
    source, clock = dated(source)
    steps = _remarked(_paced(hear(pipeline, source), source), source)
    summary = Summary()
    try:
        with exits_with(SOUND, SourceError):
            if plain or not sys.stdout.isatty():
                _print(steps, _teller(clock, bundle, config), summary)
            else:
                _show(steps, _scene(source, bundle, config), summary)
    except KeyboardInterrupt:
        pass  # the way in which listening to a microphone ends
    finally:
        source.close()
    click.echo(f"{source.name}: {summary}", err=True)


def _called(wanted: str | None, config: Config) -> str:
    if wanted == "-":
        return "the standard input"
    return wanted or config.microphone.name or "the default microphone"


def _paced(steps: Iterator[Step], source: Source) -> Iterator[Step]:
    """A recording in real time."""
    pace = Pace() if isinstance(source, FileSource) else None
    for step in steps:
        if pace and step.chunk:
            pace.wait_for(step.chunk.end)
        yield step


def _remarked(steps: Iterator[Step], source: Source) -> Iterator[tuple[Step, str]]:
    """Each with what is to be said to the person who listens, mostly nothing."""
    silent = False
    for step in steps:
        was_silent, silent = silent, isinstance(source, CaptureSource) and source.is_silent
        yield step, SILENCE if silent and not was_silent else ""


def _teller(clock: Clock, bundle: Bundle, config: Config) -> Teller:
    identity = ModelIdentity(bundle.name, bundle.hash, bundle.labels)
    return Teller(config, identity, clock, values=True)


def _print(steps: Iterator[tuple[Step, str]], teller: Teller, summary: Summary) -> None:
    for step, remark in steps:
        if remark:
            click.echo(remark, err=True)
        teller.source(step.state)
        for seen in step.told:
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


def _show(steps: Iterator[tuple[Step, str]], scene: Scene, summary: Summary) -> None:
    last_chunk = time.monotonic()
    with _killed_tidily(), Live(scene, console=Console(), auto_refresh=False) as live:
        for step, remark in steps:
            now, chunk = time.monotonic(), step.chunk
            if chunk:
                last_chunk = now
                scene.heard += chunk.seconds
            scene.waiting = now - last_chunk
            if remark:
                live.console.print(remark, style="bold red")
            for seen in step.told:
                summary.add(seen)
                if step.state in HEARING:
                    scene.add(seen)
                for change in seen.changes:
                    live.console.print(describe(change, scene.heard, scene.labels))
            if step.state not in HEARING:
                scene.newest = None
            if step.told or not chunk:  # drawing costs more than hearing
                live.refresh()
