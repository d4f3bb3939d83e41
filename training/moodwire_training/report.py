"""The report: every table of results that is under version control, as one page and one card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from moodwire.model.manifest import Manifest
from moodwire_training.pages import figure, page, table, warning

Table = dict[str, Any]


def read_results(folder: Path) -> dict[str, Table]:
    """By file name; a file says what it is by its keys."""
    found = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}
    if not found:
        raise FileNotFoundError(
            f"{folder}: no results; first: moodwire-train evaluate table --out {folder}/joint.json"
        )
    return found


def report_page(results: dict[str, Table]) -> str:
    import matplotlib as mpl

    mpl.use("Agg")
    parts = []
    for name, values in results.items():
        if "rows" in values and "trainings" in values:
            parts.append(plan_section(name, values))
        elif "quiet" in values:
            parts.append(trouble_section(name, values))
        elif "experiments" in values:
            parts.append(experiments_section(values))
    return page("Moodwire: how well it hears", parts)


def plan_section(name: str, values: Table) -> str:
    parts = [f"<h2>{values['title']} ({name})</h2>"]
    if values["leaky"]:
        parts.append(warning("LEAKY: the same speakers are in training and test."))
    parts.append(
        f"<p>Recipe {values['recipe']}, {values['arithmetic']}, seeds {values['seeds']}, "
        f"{values['hours']} hours of training, temperature {values['temperature']}.</p>"
    )
    parts.append(table(TABLE_HEADER, [table_line(*item) for item in values["rows"].items()]))
    parts += [row_pictures(row, entry) for row, entry in values["rows"].items()]
    return "".join(parts)


TABLE_HEADER = ("row", "UAR", "95 % (speakers)", "accuracy", "F1", "ECE", "UAR per fold")


def table_line(name: str, row: Table) -> list[str]:
    low, high = row["interval"]
    folds = " ".join(f"{100 * fold['uar']:.1f}" for fold in row["folds"])
    return [
        name,
        f"{100 * row['uar']:.1f}",
        f"{100 * low:.1f} to {100 * high:.1f}",
        f"{100 * row['accuracy']:.1f}",
        f"{100 * row['f1']:.1f}",
        f"{row['ece']:.3f}",
        folds,
    ]


def row_pictures(name: str, row: Table) -> str:
    import matplotlib.pyplot as plt

    counts = np.array(row["confusion"], dtype=float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    picture, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    left.imshow(share, vmin=0, vmax=1, cmap="Blues")
    for (truth, guess), value in np.ndenumerate(share):
        colour = "white" if value > 0.5 else "black"
        left.text(guess, truth, f"{100 * value:.0f}", ha="center", va="center", color=colour)
    left.set_xticks(range(len(row["labels"])), row["labels"], rotation=45)
    left.set_yticks(range(len(row["labels"])), row["labels"])
    left.set_title("% of the true mood (rows) heard as (columns)")
    coverage, risk = zip(*row["risk_coverage"], strict=True)
    right.plot(coverage, risk)
    right.set(xlabel="share of clips answered, surest first", ylabel="share of answers wrong")
    right.set_ylim(0, 1)
    text = figure(picture, name)
    plt.close(picture)
    return text


def trouble_section(name: str, values: Table) -> str:
    rows = list(values["quiet"])
    lines = [
        [condition, *(f"{100 * figures[row]:.1f}" for row in rows)]
        for condition, figures in values.items()
    ]
    return f"<h2>Level, noise and rooms ({name})</h2>" + table(["UAR", *rows], lines)


def experiments_section(values: Table) -> str:
    rows = values["rows"]
    lines = [
        [entry["name"], *(entry["uar"].get(row, "") for row in rows), entry["what"]]
        for entry in values["experiments"]
    ]
    return f"<h2>{values['title']}</h2>" + table(["", *rows, "what"], lines)


CARD = """# Model card: Moodwire

One int8 network that names the mood of a voice in windows of 2.96 s: angry, disgust, fear, happy,
neutral, sad. It runs on the device; no sound leaves it.

## Meant for
Reacting to how people in a room or a car sound, where a wrong guess costs nothing: light, music,
a dashboard. The person concerned must know of it.

## Not meant for
Decisions about people: hiring, education, policing, insurance, medicine, lie detection, or watching
people at work. Emotion recognition at work and in education is prohibited in the EU.

## Limits
It learned from actors, mostly young to middle-aged adults, in English, German and Polish, in quiet
rooms. Everyday moods are weaker than acted ones; children, old voices and other languages were not
in training. Unheard languages lose most: see the zero-shot rows.

"""

FIGURES = """## Figures by recipe

UAR in %, the mean recall of the moods, of speakers that training never heard.

"""


def model_card(results: dict[str, Table], bundles: Sequence[Manifest]) -> str:
    parts = [CARD, *map(bundle_section, bundles), FIGURES]
    for name, values in results.items():
        if "trainings" not in values:
            continue
        label = " **LEAKY: the same speakers in training and test**" if values["leaky"] else ""
        title = f"{values['title']}, {values['arithmetic']}"
        parts.append(f"### {title} (`{name}.json`){label}\n\n")
        parts.append(markdown(TABLE_HEADER, [table_line(*i) for i in values["rows"].items()]))
        parts.append(
            f"\nRecipe `{values['recipe']}`, seeds {values['seeds']}, {values['hours']} hours of "
            "training.\n\n"
        )
    return "".join(parts)


def bundle_section(manifest: Manifest) -> str:
    learned = [
        [
            corpus.name,
            corpus.licence,
            "yes" if corpus.commercial_use else "no",
            str(corpus.clips),
            str(corpus.speakers or ""),
        ]
        for corpus in manifest.corpora
    ]
    tested = [
        [metric.name.split(".")[1], f"{100 * metric.value:.1f}", metric.protocol]
        for metric in manifest.metrics
        if metric.name.startswith("acceptance_clips.")
    ]
    return (
        f"## Bundle `{manifest.name}`\n\n{manifest.description}\n\n{manifest.licence}\n\n"
        f"{manifest.tflite_bytes / 1000:.0f} kB, {manifest.macs / 1e6:.1f} million multiply-adds "
        f"per window, moods {', '.join(manifest.labels)}. Fitted on:\n\n"
        + markdown(("corpus", "licence", "commercial use", "clips", "speakers"), learned)
        + "\nTested as it ships:\n\n"
        + markdown(("corpus", "UAR", "protocol"), tested)
        + "\n"
    )


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
