"""`moodwire web`: the page alone, without the daemon."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event
from types import FrameType

import click
import msgspec

from moodwire.cli.options import config_options, read_config
from moodwire.cli.problems import CONFIGURATION, FAULT, CommandError, exits_with
from moodwire.cli.setup import make_pipeline, open_input, read_bundle
from moodwire.config import ProfileName, find_config


@click.command()
@click.option("--input", "source", help="A sound file or a microphone to listen to.")
@click.option("--deaf", is_flag=True, help="Do not listen; only judge recordings.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Instead of the configured one.")
@click.option("--hash-password", is_flag=True, help="Ask for a password, print its hash, end.")
@config_options
def command(
    source: str | None,
    deaf: bool,
    port: int | None,
    hash_password: bool,
    config_path: Path | None,
    profile: ProfileName | None,
    model_path: Path | None,
) -> None:
    """Serves the page on this device: what is heard now, one recording, the history.

    The daemon serves the same page where the configuration says [web] enabled = true.
    """
    try:
        from moodwire.web import passwords, server, standalone
        from moodwire.web.guard import AccessError
    except ModuleNotFoundError as error:
        hint = "pip install 'moodwire[web]'"
        raise CommandError(
            f"{error.name} is not installed; the page needs: {hint}", FAULT
        ) from None
    if hash_password:
        word = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        click.echo(passwords.hash_password(word))
        return
    config = read_config(config_path, profile)
    if port is not None:
        config = msgspec.structs.replace(config, web=msgspec.structs.replace(config.web, port=port))
    bundle = read_bundle(config, model_path)

    hearing = None if deaf else open_input(source, config)
    host = standalone.Standalone(
        config, bundle, make_pipeline(bundle, config), hearing, find_config(config_path)
    )
    with exits_with(CONFIGURATION, AccessError, OSError):
        page = server.WebServer(host)
    host.start()
    page.start()
    name = "nothing" if hearing is None else hearing.name
    click.echo(f"Listening to {name}. Open {page.url} in a browser; Ctrl-C ends.")
    _wait(page.ended)
    fell = page.ended.is_set()
    page.stop()
    host.stop()
    if fell:
        raise CommandError("the page ended by itself", FAULT)


def _wait(ended: Event) -> None:
    """Until Ctrl-C, SIGTERM or the end of the server."""
    asked = Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    while not asked.wait(0.5) and not ended.is_set():
        pass
