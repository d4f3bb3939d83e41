"""`moodwire-train folds`: show a plan's folds and check them for leaks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from moodwire_training.cli.options import corpora_option
from moodwire_training.corpora import find_corpora
from moodwire_training.folds import read_plan, split


@click.command()
@click.option("--plan", "plan_name", default="joint", show_default=True)
@corpora_option
def command(plan_name: str, roots: tuple[Path, ...]) -> None:
    """Show a plan's folds; fails when a training would hear what it is tested on."""
    plan = read_plan(plan_name)
    clips = [clip for found in find_corpora(roots) for clip in found.clips]
    click.echo(f"{plan.title}" + (" - LEAKY, for comparison only" if plan.leaky else ""))
    for training in plan.trainings:
        parts = split(plan, training, clips)
        click.echo(f"training {training.name}: {len(parts.train)} clips, test {len(parts.test)}")
        for corpus, count in sorted(Counter(clips[row].corpus for row in parts.test).items()):
            speakers = sorted(
                {clips[row].speaker for row in parts.test if clips[row].corpus == corpus}
            )
            shown = ", ".join(speakers[:6]) + (" ..." if len(speakers) > 6 else "")
            click.echo(f"    {corpus:8s} {count:5d} clips of {len(speakers)} speakers: {shown}")
