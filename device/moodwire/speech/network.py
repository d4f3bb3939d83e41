"""Silero VAD 6.2 for 16 kHz in plain NumPy: a spectrum, four convolutions and a memory.

The weights are those that its authors publish under the MIT licence (silero.txt beside them), in
half precision: silero_vad_16k_op15.onnx of their package silero-vad 6.2.3, SHA-256
7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49. Here they are matrices, because
so few samples are worked on at a time that what counts is the number of calls; what convolutions
would multiply with padding is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Array = NDArray[np.float32]

SAMPLE_RATE = 16_000
CHUNK = 512
"""Samples that have one score."""

CONTEXT = 64
"""Samples before a chunk that are looked at with it; as many more are its end, mirrored."""

FRAME = 256
STEP = 128
FRAMES = (CONTEXT + CHUNK + CONTEXT - FRAME) // STEP + 1
BINS = FRAME // 2 + 1
CELLS = 128
"""Numbers that the memory holds."""

WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


@dataclass(frozen=True)
class Weights:
    """A matrix [inputs, outputs] and a bias for each layer, in the order of their work."""

    first: Array
    first_bias: Array
    second: Array
    second_bias: Array
    third: Array
    third_bias: Array
    fourth: Array
    fourth_bias: Array
    fresh: Array
    """What is heard now, into the memory's four gates: input, forget, content, output."""
    memory: Array
    memory_bias: Array
    decide: Array
    decide_bias: Array


class Network:
    """Pushed whole chunks of samples, returns the probability of speech in each of them."""

    def __init__(self) -> None:
        self._weights = silero()
        self.reset()

    def reset(self) -> None:
        self._content = np.zeros(CELLS, dtype=np.float32)
        self._output = np.zeros(CELLS, dtype=np.float32)

    def push(self, samples: Array) -> Array:
        """`samples`: the CONTEXT before them, then whole chunks."""
        fresh = self._heard(samples)
        remembered = np.empty((len(fresh), CELLS), dtype=np.float32)
        for chunk, gates in enumerate(fresh):
            remembered[chunk] = self._remember(gates)
        np.maximum(remembered, 0, out=remembered)
        weights = self._weights
        return np.asarray(_sigmoid(remembered @ weights.decide + weights.decide_bias))

    def _heard(self, samples: Array) -> Array:
        """What each chunk says to the memory's gates."""
        weights, count = self._weights, (len(samples) - CONTEXT) // CHUNK
        item = samples.itemsize
        chunks = np.empty((count, CONTEXT + CHUNK + CONTEXT), dtype=np.float32)
        chunks[:, :-CONTEXT] = as_strided(samples, (count, CONTEXT + CHUNK), (CHUNK * item, item))
        chunks[:, -CONTEXT:] = chunks[:, -CONTEXT - 2 : -2 * CONTEXT - 2 : -1]
        row, item = chunks.strides
        frames = as_strided(chunks, (count, FRAMES, FRAME), (row, STEP * item, item))
        spectrum = np.zeros((count, FRAMES + 2, BINS), dtype=np.float32)
        spectrum[:, 1:-1] = np.abs(np.fft.rfft(frames * WINDOW))
        first = np.zeros((count, FRAMES + 1, weights.first.shape[1]), dtype=np.float32)
        first[:, 1:] = _layer(_threes(spectrum, FRAMES, 1), weights.first, weights.first_bias)
        second = _layer(_threes(first, FRAMES // 2, 2), weights.second, weights.second_bias)
        third = _layer(second.reshape(count, -1), weights.third, weights.third_bias)
        fourth = _layer(third, weights.fourth, weights.fourth_bias)
        return fourth @ weights.fresh + weights.memory_bias

    def _remember(self, heard: Array) -> Array:
        gates = heard + self._output @ self._weights.memory
        opened = _sigmoid(gates)
        self._content *= opened[CELLS : 2 * CELLS]
        self._content += opened[:CELLS] * np.tanh(gates[2 * CELLS : 3 * CELLS])
        self._output = opened[3 * CELLS :] * np.tanh(self._content)
        return self._output


def _threes(rows: Array, count: int, step: int) -> Array:
    """(chunks, count, 3 x width): runs of three neighbouring rows, `step` apart."""
    chunk, row, item = rows.strides
    width = rows.shape[2]
    return as_strided(rows, (len(rows), count, 3 * width), (chunk, step * row, item))


def _layer(rows: Array, matrix: Array, bias: Array) -> Array:
    found = rows.reshape(-1, len(matrix)) @ matrix
    found += bias
    np.maximum(found, 0, out=found)
    return found.reshape(*rows.shape[:-1], -1)


def _sigmoid(values: Array) -> Array:
    return np.asarray(np.float32(0.5) * (np.float32(1) + np.tanh(np.float32(0.5) * values)))


@cache
def silero() -> Weights:
    """The weights in this package."""
    with as_file(files(__package__) / "silero.npz") as path, np.load(path) as stored:
        return Weights(**{name: stored[name].astype(np.float32) for name in stored.files})
