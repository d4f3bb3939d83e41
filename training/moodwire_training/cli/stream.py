"""`moodwire-train stream`: hours of sound through the device's pipeline, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from moodwire_training.cli.options import manifest_option

if TYPE_CHECKING:
    from moodwire.config import Decision
    from moodwire_training.stream.compose import Cast
    from moodwire_training.stream.hear import Heard


@click.command()
@manifest_option
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, path_type=Path),
    help="A device's own settings of gate and decision.",
)
@click.option("--bundle", type=click.Path(exists=True, path_type=Path), help="Not the shipped.")
@click.option(
    "--speakers",
    default="acceptance",
    show_default=True,
    help="`acceptance`, or PLAN/TRAINING whose left out speakers serve to choose settings.",
)
@click.option("--minutes", default=60.0, show_default=True, help="Of noise, of plain speech, ...")
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--voices",
    default=2,
    show_default=True,
    help="People in each stream of five minutes; 0: another one whenever somebody speaks.",
)
@click.option(
    "--search",
    default=0,
    help="Instead: replay so many drawn settings of the decision for each candidate gate.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the figures as JSON.")
def command(
    data: Path,
    config_file: Path | None,
    bundle: Path | None,
    speakers: str,
    minutes: float,
    seed: int,
    voices: int,
    search: int,
    out: Path | None,
) -> None:
    """False moods, missed moods and delays of the always-on device, on long composed streams.

    Alerts are those of the configuration; where it has none, one for each mood, as by default.
    """
    from msgspec.structs import replace

    from moodwire.config import Config, load_config
    from moodwire.model import load_bundle
    from moodwire_training.stream.compose import streams
    from moodwire_training.stream.hear import hear, judged_share, one_alert_each
    from moodwire_training.stream.score import score
    from moodwire_training.stream.search import OPEN

    found = _cast(data, speakers)
    loaded = load_bundle(bundle)
    config = load_config(config_file) if config_file else Config()
    config = replace(config, gate=OPEN) if search else config
    config = config if config.alert else replace(config, alert=one_alert_each(loaded.labels))
    told = []
    for one, observations in hear(streams(found, seed, minutes, voices), loaded, config):
        told.append((one, observations))
        click.echo(
            f"{one.kind}: {one.seconds:.0f} s, {len(one.segments)} passages, "
            f"{100 * judged_share([one]):.0f} % judged",
            err=True,
        )
    if search:
        _try_settings([one for one, _ in told], loaded.labels, config.decision, search, seed)
        return
    figures = score(told)
    _show(figures)
    if out:
        line = f"moodwire-train stream --speakers {speakers} --minutes {minutes:g} --seed {seed}"
        line += f" --voices {voices}" + (f" --config {config_file.name}" if config_file else "")
        result = {"command": line, "model": loaded.name, "hash": loaded.hash, "figures": figures}
        out.write_text(json.dumps(result, indent=1) + "\n")


def _try_settings(
    heard: list[Heard], labels: Sequence[str], decision: Decision, draws: int, seed: int
) -> None:
    """Shows the best of those that were drawn, and what becomes of the first of them."""
    from moodwire_training.stream.search import describe, refine, search

    tried = search(heard, labels, decision, draws, seed)
    for candidate in (*tried[:20], *(refine(heard, labels, one) for one in tried[:4])):
        click.echo(describe(candidate))


def _show(figures: dict[str, Any]) -> None:
    from moodwire_training.stream.score import goals

    click.echo(json.dumps(figures, indent=1))
    for name, value, wanted, reached in goals(figures):
        click.echo(f"{'reached' if reached else 'MISSED '} {name}: {value:g} ({wanted})")


def _cast(data: Path, speakers: str) -> Cast:
    from moodwire_training.gate.material import ACCEPTANCE, recordings
    from moodwire_training.stream.compose import cast, left_out_by

    if speakers == "acceptance":
        return cast(recordings(data), "test", ACCEPTANCE)
    plan, slash, training = speakers.partition("/")
    if not slash:
        raise click.BadParameter(
            f"{speakers!r} is neither `acceptance` nor PLAN/TRAINING, such as development/1",
            param_hint="--speakers",
        )
    left_out = left_out_by(plan, training)
    return cast(recordings(data), "validation", left_out)
