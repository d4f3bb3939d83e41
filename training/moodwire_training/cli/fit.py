"""`moodwire-train fit`: train one or all trainings of a plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from moodwire_training.cli.options import data_options, load


@click.command()
@click.option("--recipe", "recipe_name", default="default", show_default=True)
@click.option("--plan", "plan_name", default="joint", show_default=True)
@click.option("--training", "names", multiple=True, help="Only these; all of the plan otherwise.")
@click.option("--seed", "seeds", type=int, multiple=True, help="Default: the recipe's.")
@click.option(
    "--protocol",
    type=click.Choice(["speakers", "random"]),
    default="speakers",
    help="random is the leaky split of the student projects, for comparison only.",
)
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--tensorboard", is_flag=True, help="Also write TensorBoard events.")
@data_options
def command(
    recipe_name: str,
    plan_name: str,
    names: tuple[str, ...],
    seeds: tuple[int, ...],
    protocol: str,
    runs: Path,
    tensorboard: bool,
    roots: tuple[Path, ...],
    cache: Path,
    workers: int,
) -> None:
    """Train one or all trainings of a plan; a killed run goes on where it was."""
    from moodwire_training.folds import read_plan
    from moodwire_training.recipe import read_recipe
    from moodwire_training.training_run import run_folder, train_and_score

    recipe = read_recipe(recipe_name)
    plan = read_plan("random" if protocol == "random" else plan_name)
    chosen = [plan.training(name) for name in names] or list(plan.trainings)
    material = load(roots, cache, workers)
    for seed in seeds or (recipe.seed,):
        for training in chosen:
            seeded = replace(recipe, seed=seed)
            folder = run_folder(runs, seeded, plan, training)
            result = train_and_score(
                material, seeded, plan, training, folder, click.echo, tensorboard
            )
            note = " (LEAKY: same speakers in training and test)" if plan.leaky else ""
            for name, values in result["rows"].items():
                click.echo(f"  {name:12s} UAR {100 * values['uar']:.1f}{note}")
