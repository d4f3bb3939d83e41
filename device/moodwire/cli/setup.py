"""What the offline commands share: the bundle, the pipeline, the input."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from moodwire.audio.source import Source, SourceError
from moodwire.audio.wav import RawFormat
from moodwire.cli.problems import CONFIGURATION, MODEL, SOUND, exits_with
from moodwire.config import Config
from moodwire.decision.thresholds import UnknownMoodError
from moodwire.model import Bundle, BundleError, load_bundle
from moodwire.model.store import bundle_to_run
from moodwire.pipeline import Pipeline

SOUND_SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"}
)
"""Of files that are looked into when a folder is named; a single file may be called anything."""


def read_bundle(config: Config, path: Path | None = None) -> Bundle:
    with exits_with(MODEL, BundleError):
        return load_bundle(path or bundle_to_run(config))


def make_pipeline(bundle: Bundle, config: Config) -> Pipeline:
    with exits_with(MODEL, BundleError), exits_with(CONFIGURATION, UnknownMoodError):
        return Pipeline(bundle, config)


def open_input(text: str | None, config: Config, raw: RawFormat | None = None) -> Source:
    """What exists or looks like a path is a file, and `-` a pipe; else it names a microphone."""
    if text is not None and (text == "-" or looks_like_a_file(text)):
        return open_recording(text, config, raw)
    from moodwire.audio.capture_source import CaptureSource

    with exits_with(SOUND, SourceError):
        return CaptureSource(text or config.microphone.name, channel=config.microphone.channel)


def open_recording(text: str, config: Config, raw: RawFormat | None = None) -> Source:
    """`-` is the standard input, all else a file, be it there or not."""
    channel = config.microphone.channel
    with exits_with(SOUND, SourceError):
        if text == "-":
            from moodwire.audio.pipe import Pipe, PipeSource

            if sys.stdin.isatty():
                raise SourceError("the standard input is a terminal; pipe sound into it")
            pipe = Pipe(sys.stdin.fileno(), raw=raw, name="standard input")
            return PipeSource(pipe, channel=channel)
        from moodwire.audio.file import FileSource

        return FileSource(text, channel=channel)


def looks_like_a_file(text: str) -> bool:
    path = Path(text)
    return path.exists() or os.sep in text or path.suffix.lower() in SOUND_SUFFIXES
