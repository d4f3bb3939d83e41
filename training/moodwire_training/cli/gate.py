"""`moodwire-train gate`: the speech gate beside its rivals."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import click

from moodwire_training.cli.options import manifest_option


@click.command()
@manifest_option
@click.option("--role", type=click.Choice(["validation", "test"]), default="test")
@click.option("--scenes", default=6, show_default=True, help="Per corpus and mood, of 11 s.")
@click.option("--seed", default=11, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Write FILE.json and FILE.md.")
def command(data: Path, role: str, scenes: int, seed: int, out: Path | None) -> None:
    """Windows of speech and of noise that pass each gate, for voices and noises never learned."""
    import numpy as np

    from moodwire.config import Gate
    from moodwire_training.gate import evaluate, rivals
    from moodwire_training.gate.material import recordings, side

    heard = side(recordings(data), "test" if role == "test" else "validation")
    gates = {
        "moodwire": rivals.ours,
        "moodwire as it is set": rivals.ours,
        "energy": rivals.energy,
        "webrtcvad 3": rivals.webrtc(3),
    }
    rng = np.random.default_rng(seed)
    trials = chain(
        evaluate.noise_trials(rng, heard),
        *(evaluate.speech_trials(rng, heard, snr, scenes) for snr in (99.0, 20.0, 10.0, 5.0, 0.0)),
        evaluate.speech_trials(rng, heard, 10.0, scenes, in_rooms=True),
    )
    # By themselves the gates open at half a chance, and little speech is enough; the device would
    # rather hear nothing than a mood in a noise.
    settings = dict.fromkeys(gates, Gate(enter=0.5, exit=0.1, minimum_speech=0.6))
    settings["moodwire as it is set"] = Gate()
    found = evaluate.measure(gates, trials, settings)
    lines = list(_markdown(found, list(gates)))
    click.echo("\n".join(lines))
    if out:
        command_line = f"moodwire-train gate --role {role} --scenes {scenes} --seed {seed}"
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
