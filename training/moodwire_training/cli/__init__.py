"""`moodwire-train`: from recordings to a model and honest figures about it."""

from __future__ import annotations

import importlib
import os
import sys

import click

COMMANDS = {
    "corpora": "What is there, what is wrong with it, and a report to look at",
    "features": "Compute the device's features of every clip, or export a classical table",
    "augment": "Write examples of every augmentation to listen to",
    "folds": "Show a plan's folds and check them for leaks",
    "fit": "Train one or all trainings of a plan",
    "evaluate": "Score trained models on their unseen speakers, in quiet and in trouble",
    "gate": "Measure the speech gate beside other gates",
    "stream": "What the always-on device makes of hours of sound: false and missed moods",
    "report": "One HTML page and the model card from everything that was measured",
}


class LateCommands(click.Group):
    """Loads a command's module when it is called: Keras takes seconds to come up."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"moodwire_training.cli.{name}")
        command: click.Command = module.command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LateCommands)
def group() -> None:
    """From recordings to a model and honest figures about it."""


def main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # What numpy multiplies here is small: its helpers, who wait by spinning, would take the cores
    # from the processes that work side by side.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        group(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except (ValueError, OSError) as error:
        click.echo(f"moodwire-train: {error}", err=True)
        sys.exit(1)
