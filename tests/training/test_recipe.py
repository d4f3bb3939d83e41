"""A recipe says what is wrong with it, and its optimizer does what its name says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moodwire_training.recipe import RecipeError, check_shares, read_recipe, recipe_from


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"stesp": 100}, "mine.toml: unknown setting 'stesp'"),
        ({"steps": 10}, "steps is 10; allowed: 100 to"),
        ({"steps": 149}, "mine.toml: steps is 149; allowed: multiples of 100"),
        ({"steps": "100"}, "mine.toml: Expected `int`, got `str` - at `$.steps`"),
        ({"seed": -1}, "seed is -1; allowed: 0 to"),
        ({"teachers": "default"}, "Expected `array`, got `str` - at `$.teachers`"),
        ({"corpora": ["mine"]}, "Expected `object`, got `array` - at `$.corpora`"),
        ({"strength": {"tempo": 0.9}}, "Expected `array`, got `float` - at `$.strength.tempo`"),
        ({"corpora": {"TESS": -1}}, "the share of TESS is -1.0; allowed: more than 0"),
        ({"optimizer": "sgd"}, "optimizer 'sgd' is unknown; known: adamw, muon"),
        ({"strength": {"pitch": 1.0}}, "unknown strength 'pitch'"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(values: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError) as refusal:
        recipe_from({"name": "mine", **values}, "mine.toml")
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("shares", "heard", "words"),
    [
        ({"IEMOCAP": 1.0}, {"CREMA-D"}, "corpus 'IEMOCAP' has a share, but no clip in training"),
        ({"TESS": 1.0}, {"TESS", "mine"}, "corpus 'mine' in training, which has no share"),
    ],
)
def test_a_corpus_of_ones_own_is_not_left_out_in_silence(
    shares: dict[str, float], heard: set[str], words: str
) -> None:
    recipe = recipe_from({"name": "m", "corpora": shares}, "m.toml")
    with pytest.raises(RecipeError, match=words):
        check_shares(recipe, heard)
    check_shares(replace(recipe, corpora={"TESS": 0.5, "mine": 0.5}), {"mine"})


def test_a_recipe_says_only_what_it_does_unlike_another(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\nlike = "default"\nsteps = 700\n'
        "[corpora]\nTESS = 0.5\n[strength]\nmixup = 0.9\n"
    )
    model = read_recipe("default")
    assert read_recipe(str(file)) == replace(
        model,
        name="mine",
        steps=700,
        corpora=model.corpora | {"TESS": 0.5},
        strength=replace(model.strength, mixup=0.9),
    )


@pytest.mark.parametrize("name", ["default", "always-on", "taught", "mild", "smoke"])
def test_a_corpus_of_ones_own_takes_no_others_share(tmp_path: Path, name: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'name = "mine"\nlike = "{name}"\n[corpora]\nmine = 0.3\n')
    assert read_recipe(str(file)).corpora == read_recipe(name).corpora | {"mine": 0.3}


def test_a_recipe_is_like_one_that_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "first.toml").write_text('name = "first"\nlike = "default"\nsteps = 700\n')
    (tmp_path / "second.toml").write_text('name = "second"\nlike = "first.toml"\n')
    assert read_recipe(str(tmp_path / "second.toml")).steps == 700


def test_a_recipe_that_is_like_itself_says_so(tmp_path: Path) -> None:
    (tmp_path / "first.toml").write_text('name = "first"\nlike = "second.toml"\n')
    (tmp_path / "second.toml").write_text('name = "second"\nlike = "first.toml"\n')
    with pytest.raises(RecipeError, match=r"first\.toml: what it is `like` is, in the end, itself"):
        read_recipe(str(tmp_path / "first.toml"))


def test_muon_moves_a_kernel_alike_in_all_directions() -> None:
    """Whatever the gradient prefers; and it leaves the logits to AdamW, which does not."""
    keras = pytest.importorskip("keras")
    from moodwire_training.optimizer import make_optimizer

    recipe = recipe_from({"name": "m", "optimizer": "muon", "weight_decay": 0.0}, "m.toml")
    inputs = keras.Input((6, 6, 4))
    x = keras.layers.Conv2D(8, 3, use_bias=False, name="conv")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(8, use_bias=False, name="logits")(x))
    optimizer = make_optimizer(recipe)
    optimizer.build(model.trainable_variables)
    before = [np.asarray(variable) for variable in model.trainable_variables]
    directions = np.geomspace(1.0, 0.05, 8)
    random = np.random.default_rng(1)
    gradients = []
    for kernel in before:
        left, _, right = np.linalg.svd(random.normal(size=(kernel[..., 0].size, 8)), False)
        gradients.append(((left * directions) @ right).reshape(kernel.shape).astype("float32"))
    optimizer.apply(
        [keras.ops.convert_to_tensor(gradient) for gradient in gradients],
        model.trainable_variables,
    )
    moved = [
        np.linalg.svd((np.asarray(new) - old).reshape(-1, 8), compute_uv=False)
        for new, old in zip(model.trainable_variables, before, strict=True)
    ]
    assert moved[0].max() < 2.5 * moved[0].min()
    assert moved[1].max() > 4 * moved[1].min()
