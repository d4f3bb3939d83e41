"""Options that several commands share, and the configuration that they name."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from moodwire.cli.problems import CONFIGURATION, exits_with
from moodwire.config import (
    PROFILE_NAMES,
    Config,
    ConfigError,
    ProfileName,
    find_config,
    load_config,
)

Command = TypeVar("Command", bound=Callable[..., Any])

CONFIG = click.option(
    "--config", "file", type=click.Path(path_type=Path, dir_okay=False), help="Configuration."
)


class Span(click.FloatRange):
    """A time; `nan` is in no range, though click's finds it to be in each."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is no time.", param, ctx)
        return number


def config_options(command: Command) -> Command:
    for option in (
        click.option(
            "--config",
            "config_path",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Configuration file; default: $MOODWIRE_CONFIG or /etc/moodwire/config.toml.",
        ),
        click.option("--profile", type=click.Choice(PROFILE_NAMES), help="Instead of the file's."),
        click.option(
            "--model",
            "model_path",
            type=click.Path(path_type=Path, file_okay=False),
            help="Bundle directory instead of the configured one.",
        ),
    ):
        command = option(command)
    return command


def read_config(path: Path | None, profile: ProfileName | None = None) -> Config:
    with exits_with(CONFIGURATION, ConfigError):
        return load_config(find_config(path), profile)
