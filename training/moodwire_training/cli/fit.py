"""`moodwire-train fit`: train one or all trainings of a plan."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import as_completed
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from moodwire_training.cli.options import Data, data_options
from moodwire_training.recipe import LARGEST_SEED, Recipe, read_recipe

if TYPE_CHECKING:
    from moodwire_training.folds import Plan, Training
    from moodwire_training.material import Material


@click.command()
@click.option("--recipe", "recipe_name", default="default", show_default=True)
@click.option("--plan", "plan_name", help="A plan's name or file.  [default: joint]")
@click.option("--training", "names", multiple=True, help="Only these; all of the plan otherwise.")
@click.option(
    "--seed",
    "seeds",
    type=click.IntRange(0, LARGEST_SEED),
    multiple=True,
    help="Default: the recipe's.",
)
@click.option(
    "--protocol",
    type=click.Choice(["speakers", "random"]),
    help="random is the leaky split of the student projects (plan `random`), for comparison only.",
)
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--tensorboard", is_flag=True, help="Also write TensorBoard events.")
@data_options
def command(
    recipe_name: str,
    plan_name: str | None,
    names: tuple[str, ...],
    seeds: tuple[int, ...],
    protocol: str | None,
    runs: Path,
    tensorboard: bool,
    data: Data,
) -> None:
    """Train one or all trainings of a plan; a killed run goes on where it was.

    With a scheduler, the trainings run side by side on its workers.
    """
    from moodwire_training.folds import read_plan

    recipe = read_recipe(recipe_name)
    plan_name = plan_name or ("random" if protocol == "random" else "joint")
    plan = read_plan(plan_name)
    if protocol not in (None, plan.protocol):
        raise click.UsageError(f"plan {plan.name!r} is of protocol {plan.protocol!r}")
    chosen = [plan.training(name) for name in names] or list(plan.trainings)
    wanted = [
        (replace(recipe, seed=seed), training)
        for seed in seeds or (recipe.seed,)
        for training in chosen
    ]
    material = data.load()
    if data.processes.scheduler is None:
        for seeded, training in wanted:
            train_here(material, seeded, plan, training, runs, tensorboard)
        return
    given = options_for_workers(recipe_name, plan_name, runs, data)
    given += ["--tensorboard"] if tensorboard else []
    with data.processes.pool() as cluster:
        running = [
            cluster.submit(
                train_there, [*given, "--training", one.name, "--seed", str(seeded.seed)]
            )
            for seeded, one in wanted
        ]
        for finished in as_completed(running):
            click.echo(finished.result())


def options_for_workers(recipe_name: str, plan_name: str, runs: Path, data: Data) -> list[str]:
    """Of the same command, for who has folders of their own."""
    path = data.processes.path
    recipe_name, plan_name = (
        str(path(Path(name))) if name.endswith(".toml") else name
        for name in (recipe_name, plan_name)
    )
    given = ["--recipe", recipe_name, "--plan", plan_name]
    given += ["--runs", str(path(runs)), "--cache", str(data.cache), "--workers", "1"]
    return given + [word for root in data.roots for word in ("--data", str(root))]


def train_here(
    material: Material,
    recipe: Recipe,
    plan: Plan,
    training: Training,
    runs: Path,
    tensorboard: bool,
) -> None:
    from moodwire_training.training_run import run_folder, train_and_score

    folder = run_folder(runs, recipe, plan, training)
    result = train_and_score(material, recipe, plan, training, folder, click.echo, tensorboard)
    note = " (LEAKY: same speakers in training and test)" if plan.leaky else ""
    for name, values in result["rows"].items():
        click.echo(f"  {name:12s} UAR {100 * values['uar']:.1f}{note}")


def train_there(options: list[str]) -> str:
    """On a worker: the command that a person would type, as Keras keeps state per process."""
    start = "from moodwire_training.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", start, "fit", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"moodwire-train fit {' '.join(options)}: {done.stderr[-2000:]}")
    return done.stdout
