"""`moodwire meter`: the level of the microphone, live, for placing it and setting its gain."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from moodwire.cli.options import CONFIG, Span, read_config
from moodwire.cli.problems import SOUND, exits_with

if TYPE_CHECKING:
    from moodwire.diagnostics.levels import Reading

LOWEST, HIGHEST = -80.0, 0.0
WORDS_WIDTH = 62
"""What the numbers beside the bar take at the most; a line that wraps cannot be drawn over."""

NARROWEST, WIDEST = 8, 60
CLEAR_LINE = "\r\x1b[2K"
PLAIN_SECONDS = 1.0
"""Between lines where there is no terminal to draw on."""

PATIENCE_SECONDS = 5.0


@click.command()
@CONFIG
@click.option("--device", help="Microphone instead of the configured one; see `moodwire devices`.")
@click.option("--seconds", type=Span(0.1), help="End after this long.")
@click.option("--json", "as_json", is_flag=True, help="One object per line, once a second.")
def command(file: Path | None, device: str | None, seconds: float | None, as_json: bool) -> None:
    """Shows level, peak, noise floor (dBFS) and clipping until Ctrl-C. Nothing is kept.

    Speech at the usual distance should peak between -30 and -6 dBFS, 20 dB above the floor.
    """
    from moodwire.audio.source import SourceError

    microphone = read_config(file).microphone
    with exits_with(SOUND, SourceError):
        _run(microphone.name if device is None else device, microphone.channel, seconds, as_json)


def _run(device: str, channel: int, seconds: float | None, as_json: bool) -> None:
    from moodwire.audio.capture_source import CaptureSource
    from moodwire.audio.source import MODEL_RATE, SourceError
    from moodwire.diagnostics.levels import Levels

    drawn = sys.stdout.isatty() and not as_json
    with closing(CaptureSource(device, channel=channel)) as source:
        click.echo(f"{source.name}, {source.native_rate} Hz", err=True)
        levels = Levels(MODEL_RATE)
        end = float("inf") if seconds is None else monotonic() + seconds
        last = last_shown = monotonic()
        while monotonic() < end and not source.finished:
            chunk = source.read(0.2)
            if chunk is None or not len(chunk.samples):
                if monotonic() - last > PATIENCE_SECONDS:
                    raise SourceError(f"{source.name}: no sound for {PATIENCE_SECONDS:g} s")
                continue
            last = monotonic()
            reading = levels.push(chunk.samples)
            if drawn:
                columns = shutil.get_terminal_size().columns
                width = min(WIDEST, max(NARROWEST, columns - WORDS_WIDTH))
                click.echo(CLEAR_LINE + draw(reading, width), nl=False)
            elif last - last_shown >= PLAIN_SECONDS:
                last_shown = last
                click.echo(_json(reading) if as_json else words(reading))
        if drawn:
            click.echo()


def draw(reading: Reading, width: int) -> str:
    """One line: bar up to the level, | at the held peak, : at the noise floor."""
    cells = ["█" if index < _cell(reading.level, width) else " " for index in range(width)]
    for mark, value in ((":", reading.floor), ("|", reading.peak)):
        cells[min(width - 1, _cell(value, width))] = mark
    return f"[{''.join(cells)}] {words(reading)}"


def words(reading: Reading) -> str:
    told = f"level {_decibels(reading.level)}  peak {_decibels(reading.peak)}"
    clipped = f"  CLIPPED {reading.clipped}" if reading.clipped else ""
    return f"{told}  floor {_decibels(reading.floor)}{clipped}"


def _json(reading: Reading) -> str:
    rounded = {
        name: None if value is None else round(value, 1)
        for name, value in (
            ("level", reading.level), ("peak", reading.peak), ("floor", reading.floor),
        )
    }  # fmt: skip
    return json.dumps({**rounded, "clipped": reading.clipped})


def _decibels(value: float | None) -> str:
    return " silence" if value is None else f"{value:5.1f} dB"


def _cell(value: float | None, width: int) -> int:
    if value is None:
        return 0
    share = (value - LOWEST) / (HIGHEST - LOWEST)
    return round(width * min(1.0, max(0.0, share)))
