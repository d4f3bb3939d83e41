"""Windows written down, one JSON object a line: numbers only, from which no sound can be made.

The first line says which model made them. What is read back decides to the letter as it did live,
so thresholds can be tried on an evening without recording the evening.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct

from moodwire.decision.observation import Observation, Window
from moodwire.unreadable import UNREADABLE

FORMAT = 1

LONGEST = 1e9
"""Seconds, 31 years; times beyond it could be told by no date."""


class RecordingError(ValueError):
    """Not a recording of windows, a damaged one, or one that cannot be written; the message names
    the line, or the reason."""


class Header(Struct, frozen=True, kw_only=True):
    """The first line."""

    moodwire_windows: int = FORMAT
    labels: list[str]
    model: str
    model_hash: str
    advice: dict[str, float] = {}
    """Enter thresholds that the bundle recommends."""


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One window; `gap`: sound was missing, or ended, at this time."""

    time: Annotated[float, Meta(ge=0.0, le=LONGEST)]
    speech: bool = False
    level: float | None = None
    snr: float | None = None
    probabilities: list[float] | None = None
    spoken: float = 0.0
    gap: bool = False


class WindowWriter:
    """Writes to an open file, line by line."""

    def __init__(self, file: IO[bytes], header: Header) -> None:
        self._file = file
        self._write(header)

    def add(self, observation: Observation) -> None:
        window = observation.window
        if observation.gap:
            self._write(Line(time=window.time, gap=True))
            return
        chances = window.probabilities
        self._write(
            Line(
                time=window.time,
                speech=window.speech,
                level=window.level,
                snr=window.snr,
                probabilities=None if chances is None else [float(each) for each in chances],
                spoken=window.spoken,
            )
        )

    def _write(self, line: Header | Line) -> None:
        try:
            self._file.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            raise RecordingError(f"{self._file.name}: {error.strerror}") from None


def read_header(file: IO[bytes]) -> Header:
    try:
        header = msgspec.json.decode(file.readline(), type=Header)
    except UNREADABLE as error:
        raise RecordingError(f"{file.name}:1: no header of recorded windows ({error})") from None
    if header.moodwire_windows != FORMAT:
        raise RecordingError(
            f"{file.name}:1: format {header.moodwire_windows}; {FORMAT} is understood"
        )
    return header


def read_windows(file: IO[bytes], header: Header) -> Iterator[Window | float]:
    """Windows in order; a bare time is a gap."""
    decoder = msgspec.json.Decoder(Line)
    last = -float("inf")
    for number, text in enumerate(file, start=2):
        try:
            line = decoder.decode(text)
        except UNREADABLE as error:
            raise RecordingError(f"{file.name}:{number}: {error}") from None
        if line.time < last:
            raise RecordingError(f"{file.name}:{number}: time {line.time:g} lies before {last:g}")
        last = line.time
        yield line.time if line.gap else _window(line, len(header.labels), f"{file.name}:{number}")


def _window(line: Line, labels: int, place: str) -> Window:
    chances = line.probabilities
    if chances is not None and len(chances) != labels:
        raise RecordingError(f"{place}: {len(chances)} probabilities for {labels} labels")
    return Window(
        time=line.time,
        speech=line.speech,
        level=line.level,
        snr=line.snr,
        probabilities=None if chances is None else np.array(chances, dtype=np.float32),
        spoken=line.spoken,
    )
