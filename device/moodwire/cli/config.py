"""`moodwire config`: check, show, example, schema."""

from __future__ import annotations

import json
from pathlib import Path

import click
import msgspec

from moodwire.cli.options import read_config
from moodwire.cli.problems import CONFIGURATION, exits_with
from moodwire.config import PROFILE_NAMES, Config, ConfigError, find_config, load_config
from moodwire.config.text import example, hide_secrets, json_schema, show

FILE = click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))


@click.group()
def command() -> None:
    """Checks, shows and explains the configuration.

    Without FILE: $MOODWIRE_CONFIG, else /etc/moodwire/config.toml, else the defaults.
    """


@command.command()
@FILE
def check(file: Path | None) -> None:
    """Says of every mistake where it is and what is allowed; ends with 3 if there is one."""
    path = find_config(file)
    with exits_with(CONFIGURATION, ConfigError):
        config = load_config(path)
    _check_against_model(config)
    click.echo(f"{path or 'the defaults'}: fine (profile {config.profile})")


def _check_against_model(config: Config) -> None:
    from moodwire.decision.thresholds import UnknownMoodError, check_config
    from moodwire.model import BundleError, load_bundle
    from moodwire.model.store import bundle_to_run

    try:
        bundle = load_bundle(bundle_to_run(config))
    except BundleError as error:
        click.echo(f"note: moods were not checked, the model cannot be read: {error}", err=True)
        return
    with exits_with(CONFIGURATION, UnknownMoodError):
        check_config(bundle.labels, config)


@command.command("show")
@FILE
@click.option("--json", "as_json", is_flag=True, help="As JSON instead of TOML.")
def show_command(file: Path | None, as_json: bool) -> None:
    """Prints what the file comes to, with defaults and profile; secrets are hidden.

    What was set from afar lies over it: the page shows what is in force by now.
    """
    config = read_config(file)
    if as_json:
        builtins = msgspec.to_builtins(hide_secrets(config))
        click.echo(json.dumps(builtins, indent=2, ensure_ascii=False))
    else:
        click.echo(show(config), nl=False)


@command.command("example")
@click.option(
    "--profile", type=click.Choice(PROFILE_NAMES), default="home", help="For which place."
)
def example_command(profile: str) -> None:
    """Prints a file with every setting, its documentation, bounds and default."""
    name = next(known for known in PROFILE_NAMES if known == profile)
    click.echo(example(name), nl=False)


@command.command("schema")
def schema_command() -> None:
    """Prints the JSON Schema of the file, for editors that check while you type."""
    click.echo(json.dumps(json_schema(), indent=2))
