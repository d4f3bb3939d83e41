"""Results of all trainings of a plan, joined into the table that the product is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from moodwire_training.clips import corpus_labels
from moodwire_training.evaluation.metrics import (
    Outcome,
    accuracy,
    calibration_error,
    confusion,
    fit_temperature,
    join,
    macro_f1,
    probabilities,
    recalls,
    risk_coverage,
    speaker_interval,
    unweighted_recall,
)
from moodwire_training.evaluation.rows import Row, outcome_of, rows_of
from moodwire_training.evaluation.runs import TestedRun, read_runs
from moodwire_training.evaluation.used import ALONE, AS_SHIPPED, used_recall
from moodwire_training.folds import Plan, acceptance_speakers
from moodwire_training.labels import CORPUS_LABELS, SIX, indices_of, mask_of


def row_summary(row: Row, runs: Sequence[TestedRun], temperature: float) -> dict[str, Any] | None:
    """Figures over all clips of this row together, whichever fold tested them.

    A speaker of EMO-DB has one clip of a mood, which in the mean over folds would weigh as much as
    another fold's forty.
    """
    folds, outcomes, tested = [], [], []
    for run in runs:
        outcome = outcome_of(row, run.clips, run.logits)
        if outcome:
            outcomes.append(outcome)
            tested.append(run)
            folds.append(
                {
                    "training": run.training,
                    "seed": run.seed,
                    "uar": round(unweighted_recall(outcome), 4),
                    "accuracy": round(accuracy(outcome), 4),
                    "clips": len(outcome.truth),
                }
            )
    if not outcomes:
        return None
    together = join(outcomes)
    sure = probabilities(together.logits, temperature)
    counts = confusion(together.truth, together.guess, len(row.labels))
    return {
        "uar": round(unweighted_recall(together), 4),
        "interval": speaker_interval(together),
        "used": round(used_recall(row, tested, temperature, ALONE), 4),
        "as_shipped": round(used_recall(row, tested, temperature, AS_SHIPPED), 4),
        "accuracy": round(accuracy(together), 4),
        "f1": round(macro_f1(together), 4),
        "ece": round(calibration_error(sure, together.truth), 4),
        "labels": list(row.labels),
        "recall": [round(float(value), 4) for value in recalls(counts)],
        "confusion": counts.tolist(),
        "risk_coverage": [
            (round(a, 3), round(b, 4)) for a, b in risk_coverage(sure, together.truth)
        ],
        "folds": folds,
    }


def common_temperature(runs: Sequence[TestedRun]) -> float:
    """One temperature for single windows and six moods, without the acceptance speakers.

    A corpus of one's own is judged among its own moods: nothing may have taught the network others.
    """
    kept = acceptance_speakers()
    known = corpus_labels(clip for run in runs for clip in run.clips)
    known |= dict.fromkeys(CORPUS_LABELS, SIX)
    masks = {corpus: mask_of(labels)[indices_of(SIX)] for corpus, labels in known.items()}
    parts: list[Outcome] = []
    for run in runs:
        truth, logits = [], []
        for window, index in enumerate(run.owner):
            clip = run.clips[index]
            if clip.emotion in SIX and clip.speaker not in kept:
                truth.append(SIX.index(clip.emotion))
                own = 1e4 * (1 - masks[clip.corpus])
                logits.append(run.windows[window, indices_of(SIX)] - own)
        if truth:
            speakers = ("",) * len(truth)
            parts.append(Outcome(SIX, np.array(truth), np.array(logits, np.float64), speakers))
    if not parts:
        raise ValueError(
            "nobody is left to fit a temperature on: all tested are kept for acceptance, or none "
            f"is heard as {', '.join(SIX)}"
        )
    joined = join(parts)
    return fit_temperature(joined.logits, joined.truth)


def summary(runs: Path, recipe: str, plan: Plan, quantised: bool = False) -> dict[str, Any]:
    """The whole table of a plan."""
    tested = read_runs(runs, recipe, plan.name, quantised)
    temperature = common_temperature(tested)
    finished = {(run.training, run.seed) for run in tested}
    seeds = sorted({seed for _, seed in finished})
    rows = {}
    for row in rows_of(clip for run in tested for clip in run.clips):
        found = row_summary(row, tested, temperature)
        if found:
            rows[row.name] = found
    return {
        "recipe": recipe,
        "plan": plan.name,
        "title": plan.title,
        "leaky": plan.leaky,
        "arithmetic": "int8" if quantised else "float",
        "trainings": sorted({run.training for run in tested}),
        "seeds": seeds,
        "missing": [
            f"{training.name}, seed {seed}"
            for training in plan.trainings
            for seed in seeds
            if (training.name, seed) not in finished
        ],
        "hours": round(sum(run.hours for run in tested), 3),
        "temperature": round(temperature, 4),
        "rows": rows,
    }
