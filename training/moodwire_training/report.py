"""The report: every table of results that is under version control, as one page and one card."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from moodwire.model.manifest import Manifest
from moodwire_training.evaluation.record import ACCEPTANCE_METRICS
from moodwire_training.pages import figure, page, table, warning

Table = dict[str, Any]


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


STREAM_FIGURES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "hours": ("hours", "{:.1f}".format),
    "false_moods_per_hour": ("moods told an hour, all of them false", "{:.2f}".format),
    "non_neutral_share": ("share of speech shown in a mood, %", percent),
    "passages": ("emotional passages", str),
    "recall": ("found as what they are, %", percent),
    "recall_within_4_s": ("the same within 4 s, %", percent),
    "seconds_to_detect": ("found after, s (median)", lambda found: f"{found['median']:.2f}"),
    "told_share": ("share of speech with a mood told, %", percent),
    "risk": ("share of that with a wrong one, %", percent),
    "risk_with_neutral": ("the same, moods told in neutral passages counted as wrong, %", percent),
    "alerts_per_hour_of_speech": ("alerts an hour of speech, one rule a mood", "{:.1f}".format),
    "alerted": (
        "angry passages that raise an alert, %",
        lambda found: percent(found["angry"]) if "angry" in found else "",
    ),
    "flips_per_minute": ("changes a minute of speech", "{:.1f}".format),
}
"""What `moodwire-train stream` measures, and how it is written."""


def read_results(folder: Path) -> dict[str, Table]:
    """By file name; a file says what it is by its keys."""
    found = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}
    if not found:
        raise FileNotFoundError(
            f"{folder}: no results; first: moodwire-train evaluate table --out {folder}/joint.json"
        )
    return found


@dataclass(frozen=True)
class Section:
    """One table of results, for the page and for the card."""

    title: str
    text: str
    header: Sequence[str]
    lines: Sequence[Sequence[str]]
    leaky: bool = False


LEAKY = "LEAKY: this says nothing about a voice that is new."


def sections(results: dict[str, Table]) -> list[tuple[Section, Table]]:
    """Each with what it was made from."""
    return [
        (make(name, values), values)
        for key, make in KINDS.items()
        for name, values in results.items()
        if key in values
    ]


def report_page(results: dict[str, Table]) -> str:
    import matplotlib as mpl

    mpl.use("Agg")
    parts = []
    for section, values in sections(results):
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        if section.leaky:
            parts.append(warning(LEAKY))
        parts.append(f"<p>{html.escape(section.text)}</p>")
        parts.append(table(section.header, section.lines))
        if "trainings" in values:
            parts += [row_pictures(row, entry) for row, entry in values["rows"].items()]
    return page("Moodwire: how well it hears", parts)


def plan_section(name: str, values: Table) -> Section:
    missing = "".join(f" Not finished: {absent}." for absent in values["missing"])
    return Section(
        f"{values['title']}, {values['arithmetic']} ({name}.json)",
        f"Recipe {values['recipe']}, seeds {', '.join(map(str, values['seeds']))}, "
        f"{values['hours']} hours of training, temperature {values['temperature']}.{missing}",
        (
            "row",
            "UAR",
            "95 % (speakers)",
            "used to the voice",
            "as it ships",
            "accuracy",
            "F1",
            "ECE",
            "UAR per fold",
        ),
        [table_line(*item) for item in values["rows"].items()],
        values["leaky"],
    )


def table_line(name: str, row: Table) -> list[str]:
    interval = " to ".join(map(percent, row["interval"] or ()))
    folds = " ".join(percent(fold["uar"]) for fold in row["folds"])
    return [
        name,
        percent(row["uar"]),
        interval,
        percent(row["used"]),
        percent(row["as_shipped"]) if "as_shipped" in row else "",
        percent(row["accuracy"]),
        percent(row["f1"]),
        f"{row['ece']:.3f}",
        folds,
    ]


def trouble_section(name: str, values: Table) -> Section:
    rows = list(values["quiet"])
    lines = [
        [condition, *(percent(figures[row]) for row in rows)]
        for condition, figures in values.items()
    ]
    return Section(
        f"Level, noise and rooms ({name}.json)",
        "UAR in %, as moodwire-train evaluate trouble prints it.",
        ("", *rows),
        lines,
    )


def stream_section(name: str, values: Table) -> Section:
    figures = values["figures"]
    lines = [
        [label, *(say(figures[kind][key]) if key in figures[kind] else "" for kind in figures)]
        for key, (label, say) in STREAM_FIGURES.items()
    ]
    return Section(
        f"As it runs all day, bundle {values['model']} ({name}.json)",
        values["command"],
        ("", *figures),
        lines,
    )


def gate_section(name: str, values: Table) -> Section:
    rows, gates = values["rows"], values["gates"]
    lines = [
        [row, str(cells[gates[0]]["windows"]), *(percent(cells[gate]["passed"]) for gate in gates)]
        for row, cells in rows.items()
        if ":" not in row
    ]
    return Section(
        f"The speech gate, windows that pass in % ({name}.json)",
        values["command"],
        ("", "windows", *gates),
        lines,
    )


def experiments_section(name: str, values: Table) -> Section:
    rows = values["rows"]
    lines = [
        [entry["name"], *(str(entry["uar"].get(row, "")) for row in rows), entry["what"]]
        for entry in values["experiments"]
    ]
    title = f"{values['title']} ({name}.json)"
    return Section(title, values["command"], ("", *rows, "what"), lines)


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


KINDS: dict[str, Callable[[str, Table], Section]] = {
    "trainings": plan_section,
    "figures": stream_section,
    "gates": gate_section,
    "quiet": trouble_section,
    "experiments": experiments_section,
}
"""What a file of results is, by a key that it has; in the order in which they are shown."""


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

UAR in %, the mean recall of the moods, of speakers that training never heard, over the clips of all
folds together. `used to the voice`: the same once the device has got used to each of them, without
labels, from what it heard before; the clips come in drawn orders. That is of one voice by itself
and with moods spread evenly, as they are; `as it ships`: with two voices in turn, where there are,
and most talk taken for plain. Where that is missing, so was the limit of what the device takes out.

"""


def model_card(results: dict[str, Table], bundles: Sequence[Manifest]) -> str:
    parts = [CARD, *map(bundle_section, bundles), FIGURES]
    for section, values in sections(results):
        if "experiments" not in values:
            warned = f"**{LEAKY}** " if section.leaky else ""
            parts.append(f"### {section.title}\n\n{warned}{section.text}\n\n")
            parts.append(markdown(section.header, section.lines) + "\n")
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
        if metric.name.startswith(ACCEPTANCE_METRICS)
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
