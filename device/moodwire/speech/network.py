"""The gate's network in plain NumPy: small patches of the spectrum, then the last second of them.

Layers work on one group of frames at a time, whatever is pushed, so that the cutting of the
stream changes no rounding. While a room is asleep only the newest cues are kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moodwire.speech.cues import CUES

Array = NDArray[np.float32]

PATCH_BANDS = 8
PATCH_STEP = 4
"""A patch spans so many bands, the next begins so many higher; both span two groups."""

PAIR_PATCHES = 3
"""Neighbouring patches that the second layer joins, again over two groups."""

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


class Network:
    """Pushed cues, returns scores."""

    def __init__(self, weights: Weights, bands: int) -> None:
        self._weights = weights
        self._recent = np.zeros((REACH, bands, CUES), dtype=np.float32)
        self._past = np.zeros((weights.context - 1, len(weights.look_bias)), dtype=np.float32)
        self.reset()

    def reset(self) -> None:
        self._recent[:] = 0.0
        self._past[:] = 0.0
        self._empty = len(self._past)  # groups of background at the end of the past

    def push(self, cues: Array, awake: NDArray[np.bool_]) -> Array:
        """A score for each group; background scores 0 and costs next to nothing."""
        if not awake.any():
            self._remember(cues)
            self._sleep(len(cues))
            return np.zeros(len(cues), dtype=np.float32)
        weights = self._weights
        seen = np.concatenate((self._past, self._look(cues) * awake[:, None]))
        self._past[:] = seen[len(cues) :]
        self._empty = 0
        judged = _dense(_spans(seen, weights.context), weights.judge, weights.judge_bias)
        logits = (judged @ weights.decide)[:, 0, 0] + weights.decide_bias
        return np.asarray(awake / (1.0 + np.exp(-logits)), dtype=np.float32)

    def _look(self, cues: Array) -> Array:
        """What stands in each group, seen together with the two before it."""
        weights, count = self._weights, len(cues)
        spectrum = np.concatenate((self._recent, cues))
        self._remember(cues)
        patches = (cues.shape[1] - PATCH_BANDS) // PATCH_STEP + 1
        columns = _tiles(spectrum, patches, PATCH_STEP * CUES, PATCH_BANDS * CUES)
        found = _dense(columns, weights.patch, weights.patch_bias)
        width = found.shape[2]
        columns = _tiles(found, patches - PAIR_PATCHES + 1, width, PAIR_PATCHES * width)
        joined = _dense(columns, weights.pair, weights.pair_bias)
        return _dense(joined.reshape(count, 1, -1), weights.look, weights.look_bias)[:, 0]

    def _remember(self, cues: Array) -> None:
        if len(cues) >= REACH:
            self._recent[:] = cues[-REACH:]
        else:
            self._recent[:-1] = self._recent[1:]
            self._recent[-1:] = cues

    def _sleep(self, groups: int) -> None:
        """Background leaves zeros behind; when nothing else is left there is nothing to move."""
        kept = len(self._past)
        if self._empty < kept:
            self._empty += groups
            self._past[: max(0, kept - groups)] = self._past[groups:]
            self._past[max(0, kept - groups) :] = 0.0


def _dense(rows: Array, matrix: Array, bias: Array) -> Array:
    out = rows @ matrix
    out += bias
    np.maximum(out, 0, out=out)
    return out


def _tiles(rows: Array, count: int, step: int, length: int) -> Array:
    """(groups - 1, count, 2 x length): overlapping pieces of each row, after those of the last."""
    flat = rows.reshape(len(rows), -1)
    row, item = flat.strides
    tiles = np.lib.stride_tricks.as_strided(
        flat,
        shape=(len(flat) - 1, count, 2, length),
        strides=(row, step * item, row, item),
        writeable=False,
    )
    return np.ascontiguousarray(tiles).reshape(len(flat) - 1, count, 2 * length)


def _spans(rows: Array, length: int) -> Array:
    """(groups, 1, length x width): every run of `length` rows as one, without a copy."""
    step, item = rows.strides
    return np.lib.stride_tricks.as_strided(
        rows,
        shape=(len(rows) - length + 1, 1, length * rows.shape[1]),
        strides=(step, step, item),
        writeable=False,
    )


@lru_cache(maxsize=1)
def shipped() -> Weights:
    """The weights in this package."""
    with as_file(files(__package__) / "weights.npz") as path:
        return read_weights(path)


def read_weights(path: Path) -> Weights:
    with np.load(path) as stored:
        return Weights(**{name: stored[name].astype(np.float32) for name in stored.files})


def card() -> dict[str, Any]:
    """What the weights were trained on, under which licences, and what was measured."""
    text = (files(__package__) / "card.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
