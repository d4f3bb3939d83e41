"""`moodwire run`: the daemon."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from moodwire.cli.problems import CONFIGURATION, FAULT, MODEL, SOUND, CommandError, exits_with
from moodwire.config import (
    PROFILE_NAMES,
    Config,
    ConfigError,
    ConfigFile,
    ProfileName,
    find_config,
)
from moodwire.config.state import state_directory

if TYPE_CHECKING:
    from moodwire.audio.pipe import Pipe
    from moodwire.audio.spawn import Capture
    from moodwire.service.controls import Controls
    from moodwire.service.ear import Ear


@click.command()
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration file; default: $MOODWIRE_CONFIG, else /etc/moodwire/config.toml.",
)
@click.option("--profile", type=click.Choice(PROFILE_NAMES), help="Instead of the file's own.")
@click.option(
    "--input",
    "input_path",
    type=click.Path(exists=True, allow_dash=True, dir_okay=False),
    help="WAV or raw 16 kHz PCM from a file, a FIFO or - (standard input), not the microphone.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
def command(
    file: Path | None, profile: ProfileName | None, input_path: str | None, verbose: bool
) -> None:
    """Listens for ever and tells the broker how people sound.

    SIGTERM ends it within two seconds; SIGHUP reads the configuration anew.
    """
    from moodwire.audio.spawn import spawn_capture
    from moodwire.service.controls import Controls
    from moodwire.service.logs import set_up_logging

    set_up_logging(verbose)
    with exits_with(CONFIGURATION, ConfigError):
        read = ConfigFile.read(find_config(file), profile)
        controls = Controls.read(read, _state_directory(read.config()))
        config = controls.config()
    # PortAudio takes its time, numpy and the model take theirs: both at once
    hears = input_path is None and not (config.microphone.mute or controls.chosen.muted)
    capture = None
    if hears:
        capture = spawn_capture(config.microphone.name, config.microphone.channel)
    try:
        ear = _run(controls, config, capture, input_path)
    finally:
        if capture is not None:
            capture.kill()
    if input_path is not None and ear.trouble and ear.samples == 0:
        raise CommandError(ear.trouble, SOUND)


def _run(
    controls: Controls,
    config: Config,
    capture: Capture | None,
    input_path: str | None,
) -> Ear:
    """The daemon from beginning to end; a fault of its own is logged and ends the command."""
    from moodwire.decision.thresholds import UnknownMoodError
    from moodwire.model import BundleError
    from moodwire.service.daemon import Daemon
    from moodwire.service.followers import PageError
    from moodwire.service.parts import UNUSABLE_LINK

    try:
        with (
            exits_with(MODEL, BundleError),
            exits_with(CONFIGURATION, UnknownMoodError, PageError, *UNUSABLE_LINK),
        ):
            daemon = Daemon(
                controls,
                config,
                capture=capture,
                input_pipe=_open(input_path),
                ends_with_source=input_path is not None,
            )
            daemon.run()
    except CommandError:
        raise
    except Exception as error:
        logging.getLogger(__name__).critical("", exc_info=True)
        raise CommandError(f"moodwire ends: {type(error).__name__}: {error}", FAULT) from None
    return daemon.monitor.ear


def _state_directory(config: Config) -> Path:
    state = state_directory(config)
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"paths.state is {state}: {error.strerror}; name a directory that can be written to",
            CONFIGURATION,
        ) from None
    return state


def _open(input_path: str | None) -> Pipe | None:
    from moodwire.audio.pipe import Pipe

    if input_path is None:
        return None
    if input_path == "-":
        return Pipe(sys.stdin.fileno(), name="the input", advice=_advice("FILE"))
    name = click.format_filename(input_path)
    descriptor = os.open(input_path, os.O_RDONLY)
    return Pipe(descriptor, name=name, advice=_advice(shlex.quote(name)))


def _advice(file: str) -> str:
    """The daemon decodes nothing; somebody else does."""
    return (
        f"Decode it: ffmpeg -i {file} -f wav - | moodwire run --input -, "
        f"or hear it once: moodwire listen --input {file}"
    )
