"""Fits the gate's network on scenes, and stores it the way the device reads it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from moodwire.features.frontend import MelStream
from moodwire.speech.cues import GROUP, Cues
from moodwire.speech.network import Weights
from moodwire.speech.scorer import TRAINED_ON
from moodwire_training.gate.material import LICENCES, Material, corpora_of
from moodwire_training.gate.scenes import Scene, Truth, random_scene

Floats = NDArray[np.float32]


REMEMBERED = 5
"""Groups (0.3 s) after clear speech in which the gate should still say so: between two clear
sounds nothing is demanded, since in noise there may be nothing to hear."""


@dataclass(frozen=True)
class Recipe:
    """What a fit depends on besides its material."""

    scenes: int = 3000
    seconds: float = 12.0
    patch: int = 24
    pair: int = 32
    look: int = 48
    judge: int = 48
    context: int = 20
    """Groups that are judged together: 20 are 1.28 s."""
    epochs: int = 16
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
    certain = wanted | ~_recently(spoken, REMEMBERED)
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


def fit(learned: Lessons, recipe: Recipe, report: Callable[[str], None]) -> Weights:
    """AdamW with one warm cycle; the same seed gives the same weights on the same machine."""
    import torch
    from torch.nn import functional

    from moodwire_training.gate.network import GateNetwork

    torch.manual_seed(recipe.seed)
    order = np.random.default_rng(recipe.seed)
    network = GateNetwork(
        learned.cues.shape[2],
        *(recipe.patch, recipe.pair, recipe.look, recipe.judge, recipe.context),
    )
    asked = learned.weight * learned.awake
    asked *= np.where(learned.spoken > 0, 1.0, recipe.noise_weight).astype(np.float32)
    optimiser = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=0.01)
    steps = len(asked) // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, recipe.epochs * steps, pct_start=0.1
    )
    for epoch in range(recipe.epochs):
        total = 0.0
        for rows in np.array_split(order.permutation(len(asked))[: steps * recipe.batch], steps):
            cues, awake, spoken, weight = (
                torch.from_numpy(array[rows].astype(np.float32))
                for array in (learned.cues, learned.awake, learned.spoken, asked)
            )
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(cues, awake)
            loss = (
                functional.binary_cross_entropy_with_logits(
                    logits.float(), spoken, weight, reduction="sum"
                )
                / weight.sum()
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        report(f"epoch {epoch + 1} of {recipe.epochs}: loss {total / steps:.4f}")
    return network.weights()


def store(weights: Weights, taught: Material, recipe: Recipe, folder: Path) -> None:
    """Half precision is finer than the scores need, and halves the file."""
    halves = {name: array.astype(np.float16) for name, array in asdict(weights).items()}
    np.savez_compressed(folder / "weights.npz", **halves)
    card = {
        "name": "moodwire speech gate",
        "purpose": "Tells speech, shouted and whispered too, from other sounds",
        "parameters": sum(array.size for array in halves.values()),
        "recordings": corpora_of((*taught.speech, *taught.noise)),
        "licences": {name: LICENCES[name] for name in corpora_of((*taught.speech, *taught.noise))},
        "recipe": asdict(recipe),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
