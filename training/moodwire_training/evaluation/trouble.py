"""A model in trouble: its rows of the table under every disturbance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moodwire_training.evaluation.disturb import disturbances
from moodwire_training.evaluation.metrics import unweighted_recall
from moodwire_training.evaluation.rows import outcome_of, rows_of
from moodwire_training.evaluation.score import Scorer
from moodwire_training.folds import SURROUNDINGS
from moodwire_training.labels import UNION
from moodwire_training.material import Material
from moodwire_training.surroundings import surroundings_of


def in_trouble(
    material: Material,
    scorer: Scorer,
    test: NDArray[np.int64],
    labels: Sequence[str] = UNION,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, dict[str, float]]:
    """UAR by disturbance and row; rows whose moods the model does not name are left out."""
    around = surroundings_of(material.store, material.bank, SURROUNDINGS, evaluation=True)
    clips = [material.store.clips[row] for row in test]
    found: dict[str, dict[str, float]] = {}
    for name, disturb in disturbances(material.bank, around).items():
        say(name)
        logits = scorer.clip_logits(material.bank, test, disturb)
        figures: dict[str, Any] = {}
        for row in rows_of(clips):
            outcome = outcome_of(row, clips, logits, labels)
            if outcome:
                figures[row.name] = round(unweighted_recall(outcome), 4)
        if not figures:
            raise ValueError(
                "no row of the table has its moods: who was left out has only one, or the model "
                "does not name them"
            )
        found[name] = figures
    return found
