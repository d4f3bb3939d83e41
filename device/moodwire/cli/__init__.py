"""The `moodwire` command. One module per command; each is imported only when it is called.

A new command is a module here with a click command named `command`, and a line in COMMANDS.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

import moodwire
from moodwire.cli.output import checked_output
from moodwire.cli.problems import INTERRUPTED
from moodwire.threads import limit_threads

COMMANDS: dict[str, str] = {
    "run": "The daemon: listen for ever and tell the broker",
    "listen": "Show live what is heard",
    "replay": "Send a recording through the whole pipeline, print the events",
    "classify": "Say which mood recordings have",
    "watch": "Print what devices say on a broker",
    "devices": "List the microphones and what to call them",
    "sample": "Write a recording of a synthetic voice, to try things with",
    "doctor": "Examine this device and name the remedy for what is wrong",
    "meter": "Live level of the microphone",
    "selftest": "Prove features and model against golden data; no microphone, no network",
    "web": "The page on this device: now, one recording, history",
    "history": "Moods of past days, where a history is kept",
    "bench": "Measure what things cost on this machine",
    "config": "Check, show and explain the configuration",
    "model": "Show, verify, install or roll back the model",
    "schema": "JSON Schema of every message",
    "support": "One file with all that helps to help you, without secrets",
}
"""Command name -> one-line help, in the order in which a person needs them."""


class LazyGroup(click.Group):
    """Lists commands without importing them: `moodwire --help` must be quick on a Pi."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"moodwire.cli.{name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Prints what `--help` and `--version` ask for."""
        with checked_output():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Limits numpy's threads before a command loads it. Ctrl-C is no fault of the program."""
        limit_threads()
        try:
            with checked_output():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(moodwire.__version__, prog_name="moodwire")
def main() -> None:
    """Hears how people in a room or a car sound, and says so over MQTT."""
