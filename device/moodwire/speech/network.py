"""The gate's network in plain NumPy: small patches of the spectrum, then the last second of them.

Layers work on one group of frames at a time, whatever is pushed, so that the cutting of the
stream changes no rounding. While a room is asleep only the newest cues are kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from moodwire.speech.cues import CUES

Array = NDArray[np.float32]
Step = Callable[[], object]

GateName = Literal["default", "open"]
"""Gates that come with the program; `open` learned only from what may be used commercially."""

PATCH_BANDS = 8
PATCH_STEP = 4
"""A patch spans so many bands, the next begins so many higher; both span two groups."""

PAIR_PATCHES = 3
"""Neighbouring patches that the second layer joins, again over two groups."""

MOST_GROUPS = 8
"""Worked on at once; a hop of the device has four. Bounds the memory."""

ZERO = np.zeros((), dtype=np.float32)

REACH = 2
"""Groups before the present one that the patches look back to."""


@dataclass(frozen=True)
class Weights:
    """One matrix and one bias a layer, from the patches to the decision."""

    patch: Array
    patch_bias: Array
    pair: Array
    pair_bias: Array
    look: Array
    look_bias: Array
    judge: Array
    judge_bias: Array
    decide: Array
    decide_bias: Array

    @property
    def context(self) -> int:
        """Groups that are judged together."""
        return len(self.judge) // len(self.look_bias)


@dataclass(frozen=True, slots=True)
class Pass:
    """The network for a number of groups: calls whose operands are tied to them once and for all.

    Looking up the arrays for every hop, and cutting them, would cost as much as the arithmetic.
    """

    look: tuple[Step, ...]
    looks: Array
    """A row for each group, after `look`."""

    judge: tuple[Step, ...]
    logits: Array
    """After `judge`, which looks at the past too."""


class Network:
    """Pushed cues, returns scores."""

    def __init__(self, weights: Weights, bands: int) -> None:
        self._weights = weights
        self._context = weights.context - 1
        self._spectrum = np.zeros((REACH + MOST_GROUPS, bands, CUES), dtype=np.float32)
        self._seen = np.zeros(
            (self._context + MOST_GROUPS, len(weights.look_bias)), dtype=np.float32
        )
        self._passes: dict[int, Pass] = {}
        self.reset()

    def reset(self) -> None:
        self._spectrum[:] = 0.0
        self._seen[:] = 0.0
        self._empty = self._context  # groups of background at the end of the past

    def push(self, cues: Array, awake: NDArray[np.bool_]) -> Array:
        """A score for each group; background scores 0 and costs next to nothing."""
        scores = np.zeros(len(cues), dtype=np.float32)
        for first in range(0, len(cues), MOST_GROUPS):
            some = slice(first, first + MOST_GROUPS)
            self._push_some(cues[some], awake[some], scores[some])
        return scores

    def _push_some(self, cues: Array, awake: NDArray[np.bool_], scores: Array) -> None:
        count = len(cues)
        self._spectrum[REACH : REACH + count] = cues
        if awake.any():
            layers = self._passes.get(count)
            if layers is None:
                layers = self._passes[count] = self._make_pass(count)
            for step in layers.look:
                step()
            np.multiply(layers.looks, awake[:, None], out=layers.looks)
            for step in layers.judge:
                step()
            np.divide(awake, 1.0 + np.exp(-layers.logits), out=scores)
            self._seen[: self._context] = self._seen[count : count + self._context]
            self._empty = 0
        else:
            self._sleep(count)
        self._spectrum[:REACH] = self._spectrum[count : count + REACH]

    def _sleep(self, groups: int) -> None:
        """Background leaves zeros behind; when nothing else is left there is nothing to move."""
        kept = self._context
        if self._empty < kept:
            self._empty += groups
            past = self._seen[:kept]
            past[: max(0, kept - groups)] = past[groups:]
            past[max(0, kept - groups) :] = 0.0

    def _make_pass(self, count: int) -> Pass:
        weights, context = self._weights, self._context
        spectrum = self._spectrum[: REACH + count].reshape(REACH + count, -1)
        patches = (self._spectrum.shape[1] - PATCH_BANDS) // PATCH_STEP + 1
        copy, columns = _tiles(spectrum, patches, PATCH_STEP * CUES, PATCH_BANDS * CUES)
        look, found = _dense(columns, weights.patch, weights.patch_bias)
        look.insert(0, copy)
        width = found.shape[2]
        pairs = patches - PAIR_PATCHES + 1
        copy, columns = _tiles(found.reshape(len(found), -1), pairs, width, PAIR_PATCHES * width)
        steps, joined = _dense(columns, weights.pair, weights.pair_bias)
        look += [copy, *steps]
        seen = self._seen[: context + count]
        looks = seen[context:, None, :]
        look += _dense(joined.reshape(count, 1, -1), weights.look, weights.look_bias, looks)[0]
        judge, judged = _dense(_spans(seen, context + 1), weights.judge, weights.judge_bias)
        logits = np.empty((count, 1, 1), dtype=np.float32)
        judge.append(partial(np.matmul, judged, weights.decide, out=logits))
        judge.append(partial(np.add, logits, weights.decide_bias, out=logits))
        return Pass(tuple(look), looks[:, 0], tuple(judge), logits[:, 0, 0])


def _dense(
    rows: Array, matrix: Array, bias: Array, out: Array | None = None
) -> tuple[list[Step], Array]:
    """The calls that make a layer, and what they write to."""
    if out is None:
        out = np.empty((*rows.shape[:2], matrix.shape[1]), dtype=np.float32)
    # numpy is quicker when there is nothing to broadcast
    biases = np.broadcast_to(bias, out.shape).copy()
    steps: list[Step] = [
        partial(np.matmul, rows, matrix, out=out),
        partial(np.add, out, biases, out=out),
        partial(np.maximum, out, ZERO, out=out),
    ]
    return steps, out


def _tiles(rows: Array, count: int, step: int, length: int) -> tuple[Step, Array]:
    """(groups - 1, count, 2 x length): overlapping pieces of each row, after those of the last;
    and the call that copies them there."""
    row, item = rows.strides
    pieces = np.lib.stride_tricks.as_strided(
        rows,
        shape=(len(rows) - 1, count, 2, length),
        strides=(row, step * item, row, item),
        writeable=False,
    )
    tiles = np.empty(pieces.shape, dtype=np.float32)
    return partial(np.copyto, tiles, pieces), tiles.reshape(len(rows) - 1, count, 2 * length)


def _spans(rows: Array, length: int) -> Array:
    """(groups, 1, length x width): every run of `length` rows as one, without a copy."""
    step, item = rows.strides
    return np.lib.stride_tricks.as_strided(
        rows,
        shape=(len(rows) - length + 1, 1, length * rows.shape[1]),
        strides=(step, step, item),
        writeable=False,
    )


@cache
def shipped(gate: GateName) -> Weights:
    """The weights in this package."""
    with as_file(_folder(gate) / "weights.npz") as path:
        return read_weights(path)


def read_weights(path: Path) -> Weights:
    with np.load(path) as stored:
        return Weights(**{name: stored[name].astype(np.float32) for name in stored.files})


def card(gate: GateName) -> dict[str, Any]:
    """What the weights were trained on, and under which licences."""
    text = (_folder(gate) / "card.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _folder(gate: GateName) -> Traversable:
    return files(__package__) / gate
