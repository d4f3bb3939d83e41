"""What a batch holds: the windows that were asked for, with the targets that belong to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moodwire_training.fit import batch_source
from moodwire_training.folds import read_plan, split
from moodwire_training.labels import UNION
from moodwire_training.material import Material, load_material
from moodwire_training.recipe import Recipe
from moodwire_training.sampling import BatchSource


@pytest.fixture(scope="module")
def material(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Material:
    return load_material([tiny_corpus], tmp_path_factory.mktemp("cache"))


def source(material: Material, plan_file: Path, speechless: float) -> BatchSource:
    plan = read_plan(str(plan_file))
    training = plan.trainings[0]
    recipe = Recipe("r", batch=200, smoothing=0.0, speechless=speechless)
    return batch_source(
        material, recipe, split(plan, training, material.store.clips), training.surroundings
    )


def test_windows_without_speech_favour_no_mood(material: Material, tiny_plan: Path) -> None:
    _, answers = source(material, tiny_plan, 0.3).batch(7)
    target = answers[:, : len(UNION)] + answers[:, len(UNION) :][:, : len(UNION)]
    mask = answers[:, 2 * len(UNION) :][:, : len(UNION)]
    unsure = np.abs(target - mask / mask.sum(axis=1, keepdims=True)).max(axis=1) < 1e-6
    # Mixed with another window, a target is neither: those are not counted.
    alone = answers[:, : len(UNION)].sum(axis=1) == 1.0
    assert 0.2 < unsure[alone].mean() < 0.4
    assert np.allclose(target.sum(axis=1), 1.0)


def test_a_batch_is_a_function_of_seed_and_step(material: Material, tiny_plan: Path) -> None:
    one, other = (source(material, tiny_plan, 0.3) for _ in range(2))
    for first, second in zip(one.batch(11), other.batch(11), strict=True):
        assert np.array_equal(first, second)
        assert np.isfinite(first).all()
    assert not np.array_equal(one.batch(11)[0], one.batch(12)[0])
