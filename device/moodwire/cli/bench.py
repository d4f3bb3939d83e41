"""`moodwire bench`: one module of moodwire.benchmarks per command, imported when it is called.

A new one is a module there with a click command named `command`, and a line in BENCHMARKS.
"""

from __future__ import annotations

from importlib import import_module

import click

BENCHMARKS: dict[str, str] = {
    "run": "What the daemon costs: processor, memory, start, latency",
    "features": "Cost of the front end, beside librosa and others",
    "model": "Latency of the model, beside LIGHT-SERNET",
    "web": "What the page costs the daemon",
}


class BenchmarkGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(BENCHMARKS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in BENCHMARKS:
            return None
        command: click.Command = import_module(f"moodwire.benchmarks.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(BENCHMARKS.items()))


@click.command(cls=BenchmarkGroup)
def command() -> None:
    """Measures what things cost on this machine."""
