"""What finished trainings said about the speakers that they left out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodwire_training import run_files
from moodwire_training.clips import Clip
from moodwire_training.corpora import read_told
from moodwire_training.evaluation.score import clip_means


@dataclass(frozen=True)
class TestedRun:
    """One finished training and what it said about its unseen speakers."""

    training: str
    seed: int
    hours: float
    clips: tuple[Clip, ...]
    owner: NDArray[np.int64]
    windows: NDArray[np.float32]

    @property
    def logits(self) -> NDArray[np.float32]:
        return clip_means(self.owner, self.windows, len(self.clips))


def read_runs(runs: Path, recipe: str, plan: str, quantised: bool = False) -> list[TestedRun]:
    found = []
    place = f"{run_files.INT8}/{run_files.RESULT}" if quantised else run_files.RESULT
    for result_file in sorted(runs.glob(f"{recipe}-{plan}-*/{place}")):
        result = json.loads(result_file.read_text())
        logits_file = result_file.parent / run_files.LOGITS
        tested = logits_file.exists()  # not where a plan leaves nobody out
        if not tested or (result["recipe"], result["plan"]) != (recipe, plan):
            continue
        with np.load(logits_file) as stored:
            clips = tuple(read_told(str(key)) for key in stored["keys"])
            owner, windows = stored["owner"], stored["windows"]
        run = TestedRun(result["training"], result["seed"], result["hours"], clips, owner, windows)
        found.append(run)
    if not found:
        raise FileNotFoundError(
            f"no {place} of recipe {recipe!r} and plan {plan!r} below {runs}; first: "
            + (
                "moodwire-train evaluate int8 RUN BUNDLE"
                if quantised
                else f"moodwire-train fit --recipe {recipe} --plan {plan}"
            )
        )
    return found
