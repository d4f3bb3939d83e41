"""One training of a plan: from clips to a folder with the model, facts about it and scores."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from moodwire.features import FrontendSpec
from moodwire_training import run_files
from moodwire_training.clips import Clip
from moodwire_training.corpora import told
from moodwire_training.evaluation.metrics import (
    accuracy,
    macro_f1,
    speaker_interval,
    unweighted_recall,
)
from moodwire_training.evaluation.rows import outcome_of, rows_of
from moodwire_training.evaluation.score import Scorer, clip_means
from moodwire_training.fit import Fitted, batch_source, fit, identity, refuse_another_run
from moodwire_training.folds import (
    SURROUNDINGS,
    LeakError,
    Plan,
    Split,
    Training,
    held_out_speakers,
    split,
)
from moodwire_training.labels import UNION
from moodwire_training.material import Material
from moodwire_training.recipe import Recipe
from moodwire_training.surroundings import serves
from moodwire_training.teachers import Teacher

CALIBRATION_WINDOWS = 512
WINDOWS = 1000
"""Most of unseen speakers."""


def run_folder(base: Path, recipe: Recipe, plan: Plan, training: Training) -> Path:
    return base / f"{recipe.name}-{plan.name}-{training.name}-seed{recipe.seed}"


def train_and_score(
    material: Material,
    recipe: Recipe,
    plan: Plan,
    training: Training,
    folder: Path,
    say: Callable[[str], None] = print,
    tensorboard: bool = False,
) -> dict[str, Any]:
    """Fit, save and score on the training's test speakers; a finished folder is not redone."""
    clips = material.store.clips
    parts = split(plan, training, clips)
    finished = folder / run_files.RESULT
    if finished.exists():
        refuse_another_run(folder, identity(material, recipe, parts, training.surroundings))
        say(f"{folder.name}: already finished")
        return dict(json.loads(finished.read_text()))
    say(f"{folder.name}: {takes_part(clips, parts, recipe)}")
    for source in unused_sources(clips, training):
        say(f"noise or rooms of {source!r} are not heard: name it in the plan's `surroundings`")
    untouched = untouched_speakers(plan, training, [clips[row] for row in parts.test])
    teachers = find_teachers(folder.parent, recipe.teachers, plan, training, untouched)
    fitted = fit(material, recipe, parts, folder, say, tensorboard, training.surroundings, teachers)
    through_others = frozenset().union(*(teacher.speakers for teacher in teachers))
    save_model(fitted, recipe, plan, training, material, parts.train, through_others, folder)
    scorer = Scorer(keras_network(fitted.model), material.spec, fitted.mean, fitted.deviation)
    save_windows(material, recipe, training, scorer, parts, folder)
    result: dict[str, Any] = {"rows": score(material, scorer, parts.test, folder)}
    result |= {
        "recipe": recipe.name,
        "plan": plan.name,
        "protocol": plan.protocol,
        "training": training.name,
        "seed": recipe.seed,
        "steps": recipe.steps,
        "hours": round(fitted.seconds / 3600, 4),
    }
    finished.write_text(json.dumps(result, indent=1))
    (folder / run_files.CHECKPOINT).unlink(missing_ok=True)
    return result


def takes_part(clips: Sequence[Clip], parts: Split, recipe: Recipe) -> str:
    count = Counter(clips[row].corpus for row in parts.train)
    silent = sorted(set(count) - set(recipe.corpora))
    heard = sum(count[corpus] for corpus in count if corpus in recipe.corpora)
    note = f"; without a share in the recipe, so not heard: {', '.join(silent)}" if silent else ""
    return f"{heard} clips to train on, {len(parts.test)} to test{note}"


def unused_sources(clips: Sequence[Clip], training: Training) -> list[str]:
    """Of one's own noise and rooms, what the plan does not let in."""
    there = {clip.text for clip in clips if clip.corpus in ("noise", "rooms")}
    return sorted(there - set(SURROUNDINGS) - set(training.surroundings))


def find_teachers(
    runs: Path,
    recipes: Sequence[str],
    plan: Plan,
    training: Training,
    untouched: frozenset[str],
) -> list[Teacher]:
    """All finished runs of these recipes, of any seed, on the same training of the same plan."""
    found = []
    for recipe in recipes:
        runs_of_it = f"{recipe}-{plan.name}-{training.name}-seed*/{run_files.RESULT}"
        folders = sorted(file.parent for file in runs.glob(runs_of_it))
        if not folders:
            raise FileNotFoundError(
                f"no finished teacher below {runs}; first: moodwire-train fit --recipe {recipe} "
                f"--plan {plan.name} --training {training.name}"
            )
        found += [read_teacher(folder, untouched) for folder in folders]
    return found


def untouched_speakers(plan: Plan, training: Training, tested: Iterable[Clip]) -> frozenset[str]:
    """Whom neither a network nor its teachers may have heard."""
    if plan.leaky:
        return frozenset()
    return held_out_speakers(training) | {clip.speaker for clip in tested}


def read_teacher(folder: Path, untouched: frozenset[str]) -> Teacher:
    record, model, mean, deviation = _read_run(folder)
    heard = frozenset(record["speakers_heard"])
    if leaked := sorted(untouched & heard):
        raise LeakError(
            f"{folder}: this teacher has heard {leaked[0]}, on whom its pupil is going to be tested"
        )
    recipe = record["recipe"]
    return Teacher(
        folder.name, model, mean, deviation, recipe["seed"], frozenset(recipe["corpora"]), heard
    )


def save_model(
    fitted: Fitted,
    recipe: Recipe,
    plan: Plan,
    training: Training,
    material: Material,
    heard: NDArray[np.int64],
    through_others: frozenset[str],
    folder: Path,
) -> None:
    """`through_others`: speakers whom the teachers have heard."""
    fitted.model.save(folder / run_files.MODEL)
    clips = material.store.clips
    heard = np.array([row for row in heard if clips[row].corpus in recipe.corpora])
    record = {
        "labels": list(UNION),
        "spec": material.spec.to_dict(),
        "frontend_hash": material.spec.hash,
        "mean": fitted.mean.tolist(),
        "deviation": fitted.deviation.tolist(),
        "recipe": recipe.to_dict(),
        "teachers": fitted.teachers,
        "plan": plan.name,
        "training": training.name,
        "corpora": heard_corpora(clips, heard, training),
        "speakers_heard": sorted({clips[row].speaker for row in heard} | through_others),
        "clips_heard": len(heard),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / run_files.RECORD).write_text(json.dumps(record, indent=1))


def heard_corpora(
    clips: Sequence[Clip], heard: NDArray[np.int64], training: Training
) -> list[dict[str, Any]]:
    """What the weights were fitted on, noise included: the bundle's licences follow from it."""
    around = [
        clip
        for clip in clips
        if clip.corpus in ("noise", "rooms")
        and serves(clip, training.surroundings, evaluation=False)
    ]
    speakers: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for name, speaker in [
        *((clips[row].corpus, clips[row].speaker) for row in heard),
        *((clip.text, "") for clip in around),
    ]:
        counts[name] += 1
        speakers.setdefault(name, set()).update({speaker} - {""})
    return [
        {"name": name, "clips": counts[name], "speakers": len(speakers[name])}
        for name in sorted(counts)
    ]


def save_windows(
    material: Material,
    recipe: Recipe,
    training: Training,
    scorer: Scorer,
    parts: Split,
    folder: Path,
) -> None:
    """What conversion calibrates on (training speakers) and verifies against (test speakers)."""
    source = batch_source(material, recipe, parts, training.surroundings)
    np.savez(folder / run_files.CALIBRATION, features=source.examples(CALIBRATION_WINDOWS))
    save_unseen(folder / run_files.UNSEEN, material, scorer, parts.test, recipe.seed)


def save_unseen(
    file: Path, material: Material, scorer: Scorer, rows: NDArray[np.int64], seed: int
) -> None:
    """One window, at any phase, of each of at most WINDOWS clips; no file where there is none."""
    rng = np.random.default_rng(seed)
    known = [row for row in rows if material.store.clips[row].emotion in UNION]
    if not known:
        return
    chosen = np.sort(rng.permutation(known)[:WINDOWS])
    owner, features = scorer.features(material.bank, chosen)
    order = rng.permutation(len(owner))
    _, picks = np.unique(owner[order], return_index=True)
    clips = [material.store.clips[row] for row in chosen]
    np.savez(
        file,
        features=features[order[picks]],
        labels=np.array([UNION.index(clip.emotion) for clip in clips]),
        groups=np.array([clip.speaker for clip in clips]),
    )


def score(
    material: Material, scorer: Scorer, test: NDArray[np.int64], folder: Path
) -> dict[str, Any]:
    """Figures per row of the table, and the logits of every window for later questions."""
    if not len(test):
        return {}
    clips = [material.store.clips[row] for row in test]
    owner, windows = scorer.window_logits(material.bank, test)
    keys = np.array([told(clip) for clip in clips])
    np.savez_compressed(folder / run_files.LOGITS, owner=owner, windows=windows, keys=keys)
    return row_figures(clips, clip_means(owner, windows, len(clips)))


def row_figures(clips: Sequence[Clip], logits: NDArray[np.float32]) -> dict[str, Any]:
    figures = {}
    for row in rows_of(clips):
        outcome = outcome_of(row, clips, logits)
        if outcome:
            figures[row.name] = {
                "uar": round(unweighted_recall(outcome), 4),
                "interval": speaker_interval(outcome),
                "accuracy": round(accuracy(outcome), 4),
                "f1": round(macro_f1(outcome), 4),
                "clips": len(outcome.truth),
            }
    return figures


def keras_network(model: keras.Model) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    def network(features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(model.predict(features, batch_size=256, verbose=0), dtype=np.float32)

    return network


def load_scorer(folder: Path) -> Scorer:
    """The scorer of a finished training's float model."""
    record, model, mean, deviation = _read_run(folder)
    return Scorer(keras_network(model), FrontendSpec.from_dict(record["spec"]), mean, deviation)


def _read_run(
    folder: Path,
) -> tuple[dict[str, Any], keras.Model, NDArray[np.float32], NDArray[np.float32]]:
    """Record, network, and what its features are standardised by."""
    record = json.loads((folder / run_files.RECORD).read_text())
    model = keras.saving.load_model(folder / run_files.MODEL, compile=False)
    mean, deviation = (np.array(record[name], np.float32) for name in ("mean", "deviation"))
    return record, model, mean, deviation
