"""`moodwire-train gate`: the speech gate, fitted and measured beside its rivals."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import click

from moodwire_training.cli.options import manifest_option


@click.group()
def command() -> None:
    """Fit the speech gate, and measure it beside other gates."""


@command.command()
@manifest_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for weights.")
@click.option("--cache", type=click.Path(path_type=Path), default=Path("cache/gate"))
@click.option("--scenes", default=6000, show_default=True, help="Scenes of 12 s to learn from.")
@click.option("--epochs", default=12, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--permissive", is_flag=True, help="Only what licences allow commercial use of.")
def fit(
    data: Path, out: Path, cache: Path, scenes: int, epochs: int, seed: int, permissive: bool
) -> None:
    """Learn from scenes that are composed of speech, noise and made-up rooms."""
    from moodwire_training.gate.fit import Recipe, lessons, store
    from moodwire_training.gate.fit import fit as learn
    from moodwire_training.gate.material import material, recordings

    taught = material(recordings(data), "training", permissive)
    recipe = Recipe(scenes=scenes, epochs=epochs, seed=seed)
    click.echo(f"{len(taught.speech)} recordings of speech, {len(taught.noise)} of noise")
    learned = lessons(taught, recipe, cache)
    out.mkdir(parents=True, exist_ok=True)
    store(learn(learned, recipe, click.echo), taught, recipe, out)
    click.echo(f"wrote {out / 'weights.npz'} and {out / 'card.json'}")


@command.command()
@manifest_option
@click.option("--role", type=click.Choice(["validation", "test"]), default="test")
@click.option("--weights", type=click.Path(exists=True, path_type=Path), help="Not the shipped.")
@click.option("--scenes", default=6, show_default=True, help="Per corpus and mood, of 11 s.")
@click.option("--seed", default=11, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Write FILE.json and FILE.md.")
def table(
    data: Path, role: str, weights: Path | None, scenes: int, seed: int, out: Path | None
) -> None:
    """Windows of speech and of noise that pass each gate, for voices and noises never learned."""
    import numpy as np

    from moodwire.config import Gate
    from moodwire.speech.network import read_weights, shipped
    from moodwire_training.gate import evaluate, rivals
    from moodwire_training.gate.material import material, recordings

    heard = material(recordings(data), "test" if role == "test" else "validation")
    ours = rivals.ours(read_weights(weights) if weights else shipped("default"))
    gates = {
        "moodwire": ours,
        "moodwire as it is set": ours,
        "open as it is set": rivals.ours(shipped("open")),
        "energy": rivals.energy,
        "webrtcvad 3": rivals.webrtc(3),
    }
    rng = np.random.default_rng(seed)
    trials = chain(
        evaluate.noise_trials(rng, heard),
        *(evaluate.speech_trials(rng, heard, snr, scenes) for snr in (99.0, 20.0, 10.0, 5.0, 0.0)),
        evaluate.speech_trials(rng, heard, 10.0, scenes, in_rooms=True),
    )
    # By themselves the gates open where ours lets one noise in a hundred pass. A window of speech
    # holds a second of it or more, so asking for a whole second of *found* speech is more than a
    # gate's own work; the device's setting has a column to itself.
    settings = dict.fromkeys(gates, Gate(enter=0.99, minimum_speech=0.6))
    settings["moodwire as it is set"] = settings["open as it is set"] = Gate()
    found = evaluate.measure(gates, trials, settings)
    lines = list(_markdown(found, list(gates)))
    click.echo("\n".join(lines))
    if out:
        command_line = f"moodwire-train gate table --role {role} --scenes {scenes} --seed {seed}"
        result = {"command": command_line, "gates": list(gates), "rows": found}
        out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        out.with_suffix(".md").write_text(f"`{command_line}`\n\n" + "\n".join(lines) + "\n")


def _markdown(found: dict[str, dict[str, dict[str, Any]]], gates: list[str]) -> list[str]:
    lines = [
        "| windows that pass, % | windows | "
        + " | ".join(gates)
        + " | opens after, median / p95 |",
        "|---|---|" + "---|" * (len(gates) + 1),
    ]
    for row, cells in found.items():
        ours = cells[gates[0]]
        shares = " | ".join(f"{100 * cells[gate]['passed']:.1f}" for gate in gates)
        delay = f"{ours['delay_median']} / {ours['delay_p95']} s" if "delay_median" in ours else ""
        lines.append(f"| {row} | {ours['windows']} | {shares} | {delay} |")
    return lines
