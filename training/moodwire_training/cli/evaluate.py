"""`moodwire-train evaluate`: figures on unseen speakers, in quiet and in trouble."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from moodwire_training import run_files
from moodwire_training.cli.options import Data, data_options

if TYPE_CHECKING:
    from moodwire_training.evaluation.score import Scorer
    from moodwire_training.material import Material


@click.group()
def command() -> None:
    """Score trained models on their unseen speakers, in quiet and in trouble."""


@command.command()
@click.option("--recipe", default="default", show_default=True, help="Its name or file.")
@click.option("--plan", "plan_name", default="joint", show_default=True)
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--int8", "quantised", is_flag=True, help="What `evaluate int8` kept of the runs.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the table as JSON.")
@click.option(
    "--record",
    type=click.Path(exists=True, path_type=Path),
    help="Run folder whose model.json and metrics.json get temperature and figures.",
)
def table(
    recipe: str,
    plan_name: str,
    runs: Path,
    quantised: bool,
    out: Path | None,
    record: Path | None,
) -> None:
    """The rows of the table from all finished trainings of a plan."""
    from moodwire_training.evaluation.crossvalidation import summary
    from moodwire_training.evaluation.record import record_results
    from moodwire_training.folds import read_plan
    from moodwire_training.recipe import read_recipe

    plan = read_plan(plan_name)
    if recipe.endswith(".toml"):
        recipe = read_recipe(recipe).name
    found = summary(runs, recipe, plan, quantised)
    note = " (LEAKY)" if plan.leaky else ""
    click.echo(
        f"{recipe}, {plan.name}, {found['arithmetic']}: trainings {', '.join(found['trainings'])}, "
        f"seeds {found['seeds']}, {found['hours']} h, temperature {found['temperature']}"
    )
    for absent in found["missing"]:
        click.echo(f"  NOT FINISHED, so not in the figures below: {absent}")
    for name, row in found["rows"].items():
        folds = " ".join(f"{100 * fold['uar']:.1f}" for fold in row["folds"])
        interval = ""
        if row["interval"]:
            interval = " [{:.1f} {:.1f}]".format(*(100 * edge for edge in row["interval"]))
        click.echo(
            f"  {name:12s} UAR {100 * row['uar']:.1f}{note}{interval}  "
            f"used to the voice {100 * row['used']:.1f}  "
            f"as it ships {100 * row['as_shipped']:.1f}  "
            f"acc {100 * row['accuracy']:.1f}  ECE {row['ece']:.3f}  folds {folds}"
        )
    if out:
        write_json(out, found)
    if record:
        record_results(record, found)


plan_option = click.option(
    "--plan", "plan_name", help="The plan's file, where RUN was fitted by a plan of your own."
)


@command.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option("--bundle", type=click.Path(exists=True, path_type=Path), help="int8 instead.")
@plan_option
@click.option("--out", type=click.Path(path_type=Path), help="Write the figures as JSON.")
@data_options
def trouble(
    run: Path, bundle: Path | None, plan_name: str | None, out: Path | None, data: Data
) -> None:
    """Noise and rooms that no training heard, rumble, other levels: on RUN's unseen speakers."""
    from moodwire_training.evaluation.trouble import in_trouble
    from moodwire_training.labels import UNION
    from moodwire_training.training_run import load_scorer

    scorer, labels = _bundle_of(run, bundle) if bundle else (load_scorer(run), UNION)
    material, tested, _ = _tested(run, plan_name, data)
    found = in_trouble(material, scorer, tested, labels, lambda name: click.echo(name))
    quiet = found["quiet"]
    for name, row in found.items():
        line = "  ".join(f"{key} {100 * value:.1f}" for key, value in row.items())
        loss = np.mean([quiet[key] - row[key] for key in row])
        click.echo(f"{name:14s} {line}  (mean loss {100 * loss:.1f})")
    if out:
        write_json(out, found)


@command.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.argument("bundle", type=click.Path(exists=True, path_type=Path))
@plan_option
@data_options
def int8(run: Path, bundle: Path, plan_name: str | None, data: Data) -> None:
    """BUNDLE's figures on the speakers that RUN left out, kept in RUN/int8 for `table --int8`."""
    from moodwire_training.labels import UNION
    from moodwire_training.training_run import score

    scorer, labels = _bundle_of(run, bundle)
    if labels != UNION:
        raise click.ClickException(
            f"{bundle} names {', '.join(labels)}; rows need all of {', '.join(UNION)}: "
            "convert with a card that keeps every label"
        )
    material, tested, facts = _tested(run, plan_name, data)
    folder = run / run_files.INT8
    folder.mkdir(exist_ok=True)
    rows = score(material, scorer, tested, folder)
    for name, row in rows.items():
        before = facts["rows"][name]["uar"]
        click.echo(f"  {name:12s} UAR int8 {100 * row['uar']:.1f}  float {100 * before:.1f}")
    write_json(folder / run_files.RESULT, {**facts, "rows": rows})


def _bundle_of(run: Path, bundle: Path) -> tuple[Scorer, tuple[str, ...]]:
    """The bundle's scorer; another run's bundle may have heard whom this run is tested on."""
    from moodwire.model import load_bundle
    from moodwire_training.evaluation.bundle import bundle_scorer

    loaded, record = load_bundle(bundle), json.loads((run / run_files.RECORD).read_text())
    known = loaded.manifest.standardisation
    for name in ("mean", "deviation"):
        found = np.array(getattr(known, name))
        if found.shape != np.shape(record[name]) or not np.allclose(found, record[name], rtol=1e-5):
            raise click.ClickException(f"{bundle} was not made from {run}: another {name} in it")
    return bundle_scorer(loaded)


def _tested(
    run: Path, plan_name: str | None, data: Data
) -> tuple[Material, NDArray[np.int64], dict[str, Any]]:
    """Everything recorded, the clips that the run left out, and what it said of them."""
    from moodwire_training.fit import fingerprint
    from moodwire_training.folds import read_plan, split

    facts = json.loads((run / run_files.RESULT).read_text())
    plan = read_plan(plan_name or facts["plan"])
    material = data.load()
    clips = material.store.clips
    tested = split(plan, plan.training(facts["training"]), clips).test
    if not len(tested):
        raise click.ClickException(f"{run}: no speaker of its plan {plan.name!r} is in the data")
    if fingerprint(clips, tested) != json.loads((run / run_files.RUN).read_text())["test"]:
        raise click.ClickException(
            f"{run} left other clips out than plan {plan.name!r} does now: the data or the plan "
            "has changed since"
        )
    return material, tested, facts


def write_json(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
