"""A recipe: everything that decides a training, in one file that travels with its results."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import msgspec

from moodwire_training.augment import Strength
from moodwire_training.labels import CORPUS_LABELS
from moodwire_training.packaged import read_toml

OPTIMIZERS = ("adamw", "muon")

STEPS_PER_EPOCH = 100
"""Steps between two checkpoints and lines of progress."""

LARGEST_SEED = 2**32 - 1
"""Keras takes no larger one."""


class RecipeError(ValueError):
    """A recipe that cannot be followed; the message names file and setting."""


@dataclass(frozen=True)
class Recipe:
    name: str
    steps: int = 4000
    """Batches in all, in hundreds; the learning rate falls to zero at the last."""
    batch: int = 64
    seed: int = 0
    optimizer: str = "adamw"
    """adamw, or muon, which gets further in as many steps: results/development.json."""
    learning_rate: float = 3e-3
    warm_up: float = 0.05
    """Share of the steps in which the learning rate rises."""
    weight_decay: float = 0.03
    clip_norm: float = 5.0
    smoothing: float = 0.1
    """Probability spread evenly over the labels of the clip's corpus."""
    votes: float = 0.0
    """Weight of the listeners' votes in CREMA-D's targets."""
    teachers: tuple[str, ...] = ()
    """Recipes whose finished runs of the same training say, together, what is learned besides the
    labels; learning goes on from the teacher of the same seed."""
    trust: float = 0.7
    """Weight of the teachers' opinion in the targets."""
    average: float = 0.998
    """Momentum of the running average of the weights, which is what is kept."""
    width: float = 1.0
    dropout: float = 0.3
    bfloat16: bool = True
    """Compute in bfloat16 where the processor has it; weights stay float32."""
    corpora: dict[str, float] = field(
        default_factory=lambda: {
            "RAVDESS": 0.27,
            "CREMA-D": 0.38,
            "nEMO": 0.12,
            "TESS": 0.08,
            "SAVEE": 0.07,
            "EMO-DB": 0.08,
            "LibriSpeech": 0.04,
        }
    )
    """Share of the batches that each corpus gets; known ones that take no part are left out."""
    strength: Strength = field(default_factory=Strength)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_recipe(name_or_file: str) -> Recipe:
    """A recipe that comes with the package, by name, or a TOML file."""
    try:
        values = _read_values(name_or_file)
    except RecursionError:
        raise RecipeError(f"{name_or_file}: what it is `like` is, in the end, itself") from None
    return recipe_from(values, name_or_file)


def _read_values(name_or_file: str) -> dict[str, Any]:
    """What the file says, on top of the recipe that it is `like`, if it says so."""
    values = read_toml("recipe", name_or_file, RecipeError)
    if "like" not in values:
        return values
    like = str(values.pop("like"))
    if like.endswith(".toml"):
        like = str(Path(name_or_file).parent / like)
    whole = _read_values(like)
    for name, value in values.items():
        whole[name] = whole.get(name, {}) | value if isinstance(value, dict) else value
    return whole


def recipe_from(values: dict[str, Any], source: str) -> Recipe:
    known = {item.name for item in fields(Recipe)}
    if unknown := sorted(set(values) - known):
        raise RecipeError(f"{source}: unknown setting {unknown[0]!r}; known: {sorted(known)}")
    if "name" not in values:
        raise RecipeError(f"{source}: no name in it; a recipe needs one")
    try:
        recipe = msgspec.convert(values, Recipe)
    except msgspec.ValidationError as error:
        raise RecipeError(f"{source}: {error}") from None
    strengths = {item.name for item in fields(Strength)}
    if unknown := sorted(set(values.get("strength", ())) - strengths):
        raise RecipeError(
            f"{source}: unknown strength {unknown[0]!r}; known: {', '.join(sorted(strengths))}"
        )
    _check_values(recipe, source)
    return recipe


def _check_values(recipe: Recipe, source: str) -> None:
    if recipe.optimizer not in OPTIMIZERS:
        raise RecipeError(
            f"{source}: optimizer {recipe.optimizer!r} is unknown; known: {', '.join(OPTIMIZERS)}"
        )
    for name, low, high in (
        ("steps", 100, 10**7),
        ("batch", 2, 4096),
        ("seed", 0, LARGEST_SEED),
        ("learning_rate", 1e-6, 1.0),
        ("smoothing", 0.0, 0.9),
        ("votes", 0.0, 1.0),
        ("trust", 0.0, 1.0),
        ("average", 0.0, 0.99999),
        ("width", 0.1, 10.0),
        ("dropout", 0.0, 0.9),
    ):
        value = getattr(recipe, name)
        if not low <= value <= high:
            raise RecipeError(f"{source}: {name} is {value!r}; allowed: {low:g} to {high:g}")
    for corpus, share in recipe.corpora.items():
        if not 0 < share <= 1:
            raise RecipeError(
                f"{source}: the share of {corpus} is {share!r}; allowed: more than 0, at most 1"
            )
    if recipe.steps % STEPS_PER_EPOCH:
        raise RecipeError(
            f"{source}: steps is {recipe.steps}; allowed: multiples of {STEPS_PER_EPOCH}"
        )


def check_shares(recipe: Recipe, heard: set[str]) -> None:
    """Raise RecipeError where a corpus of one's own is not both in training and in the recipe."""
    own, shared = heard - set(CORPUS_LABELS), set(recipe.corpora) - set(CORPUS_LABELS)
    if absent := sorted(shared - own):
        raise RecipeError(
            f"recipe {recipe.name!r}: corpus {absent[0]!r} has a share, but no clip in training; "
            f"known: {', '.join(CORPUS_LABELS)}; a corpus of your own needs its CSV among the data "
            "and its name among the plan's corpora"
        )
    if without := sorted(own - shared):
        raise RecipeError(
            f"recipe {recipe.name!r}: the plan has corpus {without[0]!r} in training, which has no "
            "share; give it one below [corpora]"
        )
