"""Fits the gate's network on scenes, and stores it the way the device reads it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from moodwire.features.frontend import MelStream
from moodwire.speech.cues import GROUP, Cues
from moodwire.speech.network import Weights
from moodwire.speech.scorer import TRAINED_ON
from moodwire_training.gate.material import Material, corpora_of, is_permissive, licences_of
from moodwire_training.gate.network import device_weights, gate_network
from moodwire_training.gate.scenes import Scene, Truth, random_scene
from moodwire_training.optimizer import WarmCosine

Floats = NDArray[np.float32]


REMEMBERED = 5
"""Groups (0.3 s) after clear speech in which the gate should still say so: between two clear
sounds nothing is demanded, since in noise there may be nothing to hear."""

EQUALISED = 0.05
"""Deviation of each wave of the curve over the bands that stands for another microphone; tenths
of it are nats."""


@dataclass(frozen=True)
class Recipe:
    """What a fit depends on besides its material."""

    scenes: int = 6000
    seconds: float = 12.0
    patch: int = 32
    pair: int = 48
    look: int = 48
    judge: int = 48
    context: int = 32
    """Groups that are judged together: 32 are 2 s."""
    epochs: int = 12
    batch: int = 16
    rate: float = 3e-3
    seed: int = 1
    noise_weight: float = 2.0
    """Waking for noise is this much worse than sleeping through speech."""


@dataclass(frozen=True)
class Lessons:
    """Scenes as the network sees them, [scenes, groups, ...]."""

    cues: NDArray[np.float16]
    awake: Floats
    spoken: Floats
    weight: Floats


def lesson(scene: Scene) -> tuple[Floats, Floats, Floats, Floats]:
    """One scene: what the device would compute, and what it should say."""
    logmel = MelStream(TRAINED_ON).push(scene.samples)
    groups = len(logmel) // GROUP
    cues, awake = Cues(logmel.shape[1]).push(logmel[: groups * GROUP].reshape(groups, GROUP, -1))
    spoken, clear = _by_group(scene.spoken, groups), _by_group(scene.clear, groups)
    wanted = _recently(clear, REMEMBERED)
    echo = _by_group(scene.echo, groups)
    certain = wanted | ~(_recently(spoken, REMEMBERED) | echo)
    return cues, _numbers(awake), _numbers(wanted), _numbers(certain)


def _by_group(truth: Truth, groups: int) -> Truth:
    return np.asarray(truth[: groups * GROUP].reshape(groups, GROUP).any(axis=1))


def _numbers(truth: Truth) -> Floats:
    return truth.astype(np.float32)


def _recently(happened: Truth, groups: int) -> Truth:
    """Whether it happened now or in the last few groups."""
    later = (groups - 1) // 2
    return np.asarray(
        scipy.ndimage.maximum_filter1d(happened, groups, origin=later, mode="constant")
    )


def lessons(material: Material, recipe: Recipe, cache: Path) -> Lessons:
    """Made once for a recipe and its material; what the fit alone depends on does not matter."""
    files = [str(r.path.name) for r in (*material.speech, *material.noise)]
    matters = (recipe.scenes, recipe.seconds, recipe.seed, files)
    name = hashlib.sha256(json.dumps(matters).encode()).hexdigest()[:16]
    stored = cache / f"gate-{name}.npz"
    if not stored.exists():
        rng = np.random.default_rng(recipe.seed)
        made = [lesson(random_scene(rng, material, recipe.seconds)) for _ in range(recipe.scenes)]
        cache.mkdir(parents=True, exist_ok=True)
        columns = [np.stack(column) for column in zip(*made, strict=True)]
        np.savez(stored, cues=columns[0].astype(np.float16), rest=np.stack(columns[1:]))
    with np.load(stored) as found:
        return Lessons(found["cues"], *found["rest"])


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Scenes in another order each epoch, each through another microphone."""

    def __init__(self, learned: Lessons, recipe: Recipe) -> None:
        super().__init__()
        self._learned, self._recipe = learned, recipe
        self._rng = np.random.default_rng(recipe.seed)
        asked = learned.weight * learned.awake
        asked *= np.where(learned.spoken > 0, 1.0, recipe.noise_weight)
        self._asked = (asked / asked.mean()).astype(np.float32)
        self.on_epoch_end()

    def __len__(self) -> int:
        return len(self._asked) // self._recipe.batch

    def __getitem__(self, index: int) -> Any:
        rows = self._order[index * self._recipe.batch :][: self._recipe.batch]
        learned = self._learned
        cues = learned.cues[rows].astype(np.float32)
        _equalise(self._rng, cues[..., :GROUP])
        given = {"cues": cues, "awake": learned.awake[rows, :, None]}
        return given, learned.spoken[rows, :, None], self._asked[rows]

    def on_epoch_end(self) -> None:
        self._order = self._rng.permutation(len(self._asked))


def _equalise(rng: np.random.Generator, shape: Floats) -> None:
    """A smooth curve over the bands for each scene, in place."""
    bands = shape.shape[2]
    waves = np.cos(np.pi * np.arange(1, 5)[:, None] * (np.arange(bands) + 0.5) / bands)
    curve = rng.normal(0.0, EQUALISED, (len(shape), 4)).astype(np.float32) @ waves
    shape += curve[:, None, :, None].astype(np.float32)
    np.clip(shape, -1.0, 0.0, out=shape)


def fit(learned: Lessons, recipe: Recipe, report: Callable[[str], None]) -> Weights:
    """AdamW and the mean of its last weights; a seed gives the same weights on one machine."""
    keras.utils.set_random_seed(recipe.seed)
    batches = Batches(learned, recipe)
    network = gate_network(
        learned.cues.shape[2],
        *(recipe.patch, recipe.pair, recipe.look, recipe.judge, recipe.context),
    )
    steps = recipe.epochs * len(batches)
    network.compile(
        keras.optimizers.AdamW(
            WarmCosine(recipe.rate, steps, 0.1),
            weight_decay=0.01,
            use_ema=True,
            ema_momentum=max(0.0, 1 - 10 / steps),
        ),
        keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=False,
    )
    said = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: report(
            f"epoch {epoch + 1} of {recipe.epochs}: loss {logs['loss']:.4f}"
        )
    )
    network.fit(batches, epochs=recipe.epochs, shuffle=False, verbose=0, callbacks=[said])
    return device_weights(network)


def store(weights: Weights, taught: Material, recipe: Recipe, folder: Path) -> None:
    """Half precision is finer than the scores need, and halves the file."""
    halves = {name: array.astype(np.float16) for name, array in asdict(weights).items()}
    np.savez_compressed(folder / "weights.npz", **halves)
    recordings = (*taught.speech, *taught.noise)
    card = {
        "name": "moodwire speech gate",
        "purpose": "Tells speech, shouted and whispered too, from other sounds",
        "parameters": sum(array.size for array in halves.values()),
        "recordings": corpora_of(recordings),
        "licences": licences_of(recordings),
        "commercial_use": all(map(is_permissive, recordings)),
        "recipe": asdict(recipe),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
