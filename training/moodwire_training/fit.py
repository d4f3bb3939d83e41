"""One training: batches into the network, with checkpoints that a killed run resumes from.

Only Keras is used, so the run works on whichever backend KERAS_BACKEND names. Batches are a
function of seed and step and a checkpoint holds every variable, the random state and the
averages included: a resumed run ends with the same weights as one that was never killed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from moodwire_training import run_files
from moodwire_training.augment import Augmenter
from moodwire_training.clips import Clip
from moodwire_training.corpora import told
from moodwire_training.folds import SURROUNDINGS, Split
from moodwire_training.labels import UNION
from moodwire_training.material import Material, soft_targets
from moodwire_training.network import build_network, go_on_from, plain_copy
from moodwire_training.optimizer import make_optimizer
from moodwire_training.recipe import STEPS_PER_EPOCH, Recipe
from moodwire_training.sampling import BatchSource
from moodwire_training.surroundings import surroundings_of
from moodwire_training.teachers import Teacher


@dataclass(frozen=True)
class Fitted:
    model: keras.Model
    """Plain Keras layers in float32, whatever training used."""
    mean: np.ndarray[Any, np.dtype[np.float32]]
    deviation: np.ndarray[Any, np.dtype[np.float32]]
    seconds: float
    """All that the training took, also before it was killed and went on."""
    teachers: list[str]


def masked_loss(answers: Any, logits: Any) -> Any:
    """Cross-entropy of two mixed targets, each over the labels that its corpus knows."""
    first, second, first_mask, second_mask = ops.split(answers, 4, axis=-1)
    logits = ops.cast(logits, "float32")

    def part(target: Any, mask: Any) -> Any:
        return -ops.sum(target * mask * ops.log_softmax(logits - 1e4 * (1 - mask)), axis=-1)

    return ops.mean(part(first, first_mask) + part(second, second_mask))


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    def __init__(self, source: BatchSource, epoch: int) -> None:
        super().__init__()
        self.source, self.epoch = source, epoch

    def __len__(self) -> int:
        return STEPS_PER_EPOCH

    def __getitem__(self, index: int) -> Any:
        return self.source.batch(self.epoch * STEPS_PER_EPOCH + index)

    def on_epoch_end(self) -> None:
        self.epoch += 1


class Checkpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Every variable of model and optimizer after each epoch, written whole or not at all."""

    def __init__(self, file: Path, spent: Callable[[], float]) -> None:
        super().__init__()
        self.file, self.spent = file, spent

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        scratch = self.file.with_suffix(".partial.npz")
        variables = all_variables(self.model)
        values = {f"v{number:04d}": ops.convert_to_numpy(v) for number, v in enumerate(variables)}
        np.savez(scratch, epoch=epoch + 1, seconds=self.spent(), **values)
        scratch.replace(self.file)


class TimeLeft(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, epochs: int, say: Callable[[str], None]) -> None:
        super().__init__()
        self.epochs, self.say, self.first = epochs, say, -1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.first < 0:
            self.first, self.started = epoch, time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        done = epoch + 1 - self.first
        left = (time.monotonic() - self.started) / done * (self.epochs - epoch - 1)
        steps = (epoch + 1) * STEPS_PER_EPOCH
        self.say(f"step {steps:6d}  loss {logs['loss']:.4f}  {left / 60:5.1f} min left")


def all_variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def restore(model: keras.Model, file: Path) -> tuple[int, float]:
    """Load a checkpoint, if there is one; the number of epochs done, and the seconds they took."""
    if not file.exists():
        return 0, 0.0
    with np.load(file) as stored:
        for number, variable in enumerate(all_variables(model)):
            variable.assign(stored[f"v{number:04d}"])
        return int(stored["epoch"]), float(stored["seconds"])


def batch_source(
    material: Material,
    recipe: Recipe,
    split: Split,
    sources: Sequence[str] = SURROUNDINGS,
    teachers: Sequence[Teacher] = (),
) -> BatchSource:
    """`sources`: where noise and rooms may come from."""
    surroundings = surroundings_of(material.store, material.bank, sources, evaluation=False)
    augmenter = Augmenter(material.bank, surroundings, recipe.strength, material.spec)
    targets = soft_targets(material, recipe.smoothing, recipe.votes)
    return BatchSource(
        material.store, material.spec, recipe, augmenter, split.train, targets, teachers
    )


def computes_bfloat16() -> bool:
    """Whether the processor has the arithmetic: without it, bfloat16 takes four times as long."""
    information = Path("/proc/cpuinfo")
    return information.exists() and "_bf16" in information.read_text()


def compiled_network(source: BatchSource, recipe: Recipe) -> keras.Model:
    keras.utils.set_random_seed(recipe.seed)
    short = recipe.bfloat16 and computes_bfloat16()
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if short else "float32")
    assert source.mean is not None and source.deviation is not None
    spec = source.spec
    model = build_network(
        spec.window_frames,
        source.mean,
        source.deviation,
        len(UNION),
        recipe.width,
        recipe.dropout,
        seed=recipe.seed,
    )
    optimizer = make_optimizer(recipe)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer, loss=masked_loss)
    return model


def first_network(source: BatchSource, recipe: Recipe) -> keras.Model:
    """A new one, or the teacher's of the same seed; `source` is standardised for it."""
    former = next((one for one in source.teachers if one.seed == recipe.seed), None)
    if former is None:
        source.measure()
        return compiled_network(source, recipe)
    source.mean, source.deviation = former.mean, former.deviation
    model = compiled_network(source, recipe)
    go_on_from(model, former.network)
    return model


def fit(
    material: Material,
    recipe: Recipe,
    split: Split,
    folder: Path,
    say: Callable[[str], None] = print,
    tensorboard: bool = False,
    sources: Sequence[str] = SURROUNDINGS,
    teachers: Sequence[Teacher] = (),
) -> Fitted:
    """Train, or go on training what `folder` holds."""
    folder.mkdir(parents=True, exist_ok=True)
    taught_by = [teacher.name for teacher in teachers]
    this = identity(material, recipe, split, sources) | {"taught_by": taught_by}
    refuse_another_run(folder, this)
    (folder / run_files.RUN).write_text(json.dumps(this, indent=1, sort_keys=True))
    started = time.monotonic()
    source = batch_source(material, recipe, split, sources, teachers)
    model = first_network(source, recipe)
    epochs = recipe.steps // STEPS_PER_EPOCH
    done, seconds = restore(model, folder / run_files.CHECKPOINT)

    def spent() -> float:
        return seconds + time.monotonic() - started

    if done:
        say(f"going on after step {done * STEPS_PER_EPOCH}")
    callbacks = [
        Checkpoint(folder / run_files.CHECKPOINT, spent),
        TimeLeft(epochs, say),
        keras.callbacks.CSVLogger(str(folder / "history.csv"), append=done > 0),
    ]
    if tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(str(folder / "tensorboard")))
    # Order is drawn by the batches themselves; Keras must not shuffle them once more.
    model.fit(
        Batches(source, done),
        epochs=epochs,
        initial_epoch=done,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )
    assert source.mean is not None and source.deviation is not None
    plain = plain_copy(model, source.mean, source.deviation, recipe.width)
    return Fitted(plain, source.mean, source.deviation, spent(), taught_by)


def identity(
    material: Material, recipe: Recipe, split: Split, sources: Sequence[str]
) -> dict[str, Any]:
    """What makes a run this one: its recipe, and what it learns from and is tested on."""
    clips = material.store.clips
    return {
        "recipe": recipe.to_dict(),
        "surroundings": list(sources),
        "train": fingerprint(clips, split.train),
        "test": fingerprint(clips, split.test),
    }


def fingerprint(clips: Sequence[Clip], rows: NDArray[np.int64]) -> str:
    keys = sorted(told(clips[row]) for row in rows)
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]


def refuse_another_run(folder: Path, wanted: dict[str, Any]) -> None:
    file = folder / run_files.RUN
    if not file.exists():
        return
    kept, asked = json.loads(file.read_text()), json.loads(json.dumps(wanted))
    if other := sorted(key for key in asked if kept.get(key) != asked[key]):
        raise ValueError(
            f"{folder} holds a run with another {' and '.join(other)}; "
            "name another folder or remove that one"
        )
