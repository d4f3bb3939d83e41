"""A pupil starts as its teacher, learns what its teachers say, and is taught by nobody who has
heard the voices that it is going to be tested on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from moodwire_training.clips import Clip
from moodwire_training.fit import batch_source, fit
from moodwire_training.folds import LeakError, Plan, Training, split, stream_speakers
from moodwire_training.labels import SIX, UNION
from moodwire_training.material import Material, load_material
from moodwire_training.network import build_network, go_on_from, plain_copy
from moodwire_training.recipe import Recipe
from moodwire_training.sampling import BatchSource
from moodwire_training.teachers import Teacher, believed
from moodwire_training.training_run import find_teachers, train_and_score, untouched_speakers

pytestmark = pytest.mark.timeout(600)

ONE = Training("1", ("CRE1004",))
PLAN = Plan("tiny", "", "speakers", (ONE,))
RECIPE = Recipe(
    "teacher", steps=100, batch=8, width=0.125, bfloat16=False, corpora={"CREMA-D": 1.0}
)
UNTOUCHED = frozenset({"CRE1004"})
PUPIL = replace(RECIPE, name="pupil", teachers=("teacher",), learning_rate=1e-6)


@pytest.fixture(scope="module")
def material(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Material:
    return load_material([tiny_corpus], tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def runs(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With one finished teacher in it."""
    runs = tmp_path_factory.mktemp("runs")
    train_and_score(material, RECIPE, PLAN, ONE, runs / "teacher-tiny-1-seed0")
    return runs


def measured(source: BatchSource) -> BatchSource:
    source.measure()
    return source


def kernels(model: keras.Model) -> list[np.ndarray]:
    return [variable.numpy() for variable in model.trainable_variables]


def test_a_kept_network_can_be_trained_again() -> None:
    mean, deviation = np.zeros(40, np.float32), np.ones(40, np.float32)
    trained, again = (build_network(184, mean, deviation, 9, 0.125) for _ in range(2))
    kept = plain_copy(trained, mean, deviation, 0.125)
    go_on_from(again, kept)
    windows = np.random.default_rng(1).normal(size=(4, 184, 40)).astype(np.float32)
    expected = kept.predict_on_batch(windows)
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(again.predict_on_batch(windows), expected, atol=1e-5)


def test_a_pupil_starts_as_the_teacher_of_its_seed(material: Material, runs: Path) -> None:
    """After steps too small to matter it still is its teacher."""
    [teacher] = find_teachers(runs, ["teacher"], PLAN, ONE, UNTOUCHED)
    parts = split(PLAN, ONE, material.store.clips)
    fitted = fit(material, PUPIL, parts, runs / "same", print, teachers=[teacher])
    assert fitted.teachers == ["teacher-tiny-1-seed0"]
    assert teacher.speakers == {"CRE1001", "CRE1002", "CRE1003"}
    for own, taught in zip(kernels(fitted.model), kernels(teacher.network), strict=True):
        np.testing.assert_allclose(own, taught, atol=2e-3)
    other = replace(PUPIL, seed=1)
    fitted = fit(material, other, parts, runs / "other", print, teachers=[teacher])
    differences = [
        np.abs(own - taught).max()
        for own, taught in zip(kernels(fitted.model), kernels(teacher.network), strict=True)
    ]
    assert max(differences) > 0.1


def test_what_teachers_believe_is_learned_as_far_as_they_are_trusted(material: Material) -> None:
    class Convinced:
        def predict_on_batch(self, windows: np.ndarray) -> np.ndarray:
            return np.tile(np.eye(len(UNION))[UNION.index("calm")] * 50 + 1, (len(windows), 1))

    class Afraid:
        def predict_on_batch(self, windows: np.ndarray) -> np.ndarray:
            return np.tile(np.eye(len(UNION))[UNION.index("fear")] * 90, (len(windows), 1))

    parts = split(PLAN, ONE, material.store.clips)
    alone = measured(batch_source(material, RECIPE, parts))
    nothing, one = np.zeros(40, np.float32), np.ones(40, np.float32)
    heard = frozenset({"CREMA-D", "TESS"})
    teachers = [
        Teacher(kind.__name__, kind(), nothing, one, 0, heard) for kind in (Convinced, Afraid)
    ]
    trusting = replace(RECIPE, trust=0.25)
    taught = measured(batch_source(material, trusting, parts, teachers=teachers))
    windows, labels = alone.batch(3)
    same_windows, mixed = taught.batch(3)
    np.testing.assert_array_equal(windows, same_windows)
    labels, mixed = labels[:, : len(UNION)], mixed[:, : len(UNION)]
    # CREMA-D knows no calm voice: what is left of the two is fear.
    fear = np.eye(len(UNION))[SIX.index("fear")] * labels.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(mixed, 0.75 * labels + 0.25 * fear, atol=1e-5)
    # One of them has never heard such voices: nobody is asked.
    teachers.append(replace(teachers[0], corpora=frozenset({"TESS"})))
    taught = measured(batch_source(material, trusting, parts, teachers=teachers))
    np.testing.assert_array_equal(taught.batch(3)[1], alone.batch(3)[1])


def test_belief_is_spread_over_the_allowed_labels_alone() -> None:
    masks = np.array([[1, 1, 0], [0, 1, 1]], np.float32)
    found = believed(np.array([[1.0, 1.0, 900.0], [5.0, 1.0, 0.0]], np.float32), masks)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-6)
    assert (found[masks == 0] == 0).all()
    np.testing.assert_allclose(found[0, :2], 0.5)
    assert found[1, 1] / found[1, 2] == pytest.approx(np.e, rel=1e-5)


def test_a_teacher_that_heard_the_test_is_refused(runs: Path) -> None:
    with pytest.raises(LeakError, match="teacher-tiny-1-seed0: this teacher has heard CRE1003"):
        find_teachers(runs, ["teacher"], PLAN, ONE, frozenset({"CRE1003"}))


def test_nobody_kept_for_a_test_may_be_known_to_a_teacher() -> None:
    """Also where a plan names whole corpora, and for what is going to ship."""
    tested = [Clip("EMO-DB", "a.wav", "EMO03", "sad")]
    abroad = Training("abroad", ("EMO-DB",))
    assert untouched_speakers(PLAN, abroad, tested) == stream_speakers() | {"EMO03"}
    shipped = replace(abroad, hold_out_acceptance=True)
    assert "CRE1082" in untouched_speakers(PLAN, shipped, tested)
    assert not untouched_speakers(replace(PLAN, protocol="random"), abroad, tested)


def test_without_its_teachers_a_pupil_says_how_to_make_them(runs: Path) -> None:
    with pytest.raises(FileNotFoundError, match="fit --recipe absent --plan tiny --training 1"):
        find_teachers(runs, ["absent"], PLAN, ONE, UNTOUCHED)


def test_a_finished_folder_is_no_result_of_another_recipe(material: Material, runs: Path) -> None:
    folder = runs / "teacher-tiny-1-seed0"
    train_and_score(material, RECIPE, PLAN, ONE, folder)
    with pytest.raises(ValueError, match="holds a run with another recipe"):
        train_and_score(material, replace(RECIPE, steps=9900), PLAN, ONE, folder)
    other = Training("1", ("CRE1003",))
    with pytest.raises(ValueError, match="holds a run with another test and train"):
        train_and_score(material, RECIPE, replace(PLAN, trainings=(other,)), other, folder)


def test_a_run_does_not_go_on_with_other_teachers(material: Material, runs: Path) -> None:
    [teacher] = find_teachers(runs, ["teacher"], PLAN, ONE, UNTOUCHED)
    parts = split(PLAN, ONE, material.store.clips)
    with pytest.raises(ValueError, match="holds a run with another taught_by"):
        fit(material, PUPIL, parts, runs / "same", print, teachers=[teacher, teacher])
