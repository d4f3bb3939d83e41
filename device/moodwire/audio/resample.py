"""Any rate to 16 kHz by a polyphase filter whose output does not depend on how it is fed.

Output samples are made in blocks of BLOCK. The block's number decides which input samples and
which coefficients it needs; they are copied to the same place in memory and multiplied by a
matrix of the same shape, so every block meets the same arithmetic however the stream was cut.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd, pi

import numpy as np
from numpy.typing import NDArray

from moodwire.audio.source import MODEL_RATE, Samples, SourceError

BLOCK = 64
"""Output samples made at once."""

LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000

ATTENUATION = 96.0
"""Design value of the stop band in dB; what is reached is measured by a test."""

PASS_BAND = 0.95
"""Share of the lower of the two Nyquist frequencies that passes; the stop band begins at it."""


def resampler_for(name: str, rate: int) -> Resampler:
    """Of a source, whose name an error tells."""
    try:
        return Resampler(rate)
    except SourceError as error:
        raise SourceError(f"{name}: {error}") from error


class Resampler:
    """Pushed samples at `source_rate`, returns samples at MODEL_RATE, aligned in time."""

    def __init__(self, source_rate: int) -> None:
        if not LOWEST_RATE <= source_rate <= HIGHEST_RATE:
            raise SourceError(
                f"sample rate is {source_rate} Hz; allowed: {LOWEST_RATE} to {HIGHEST_RATE} Hz"
            )
        self._source_rate = source_rate
        common = gcd(source_rate, MODEL_RATE)
        self._up, self._down = MODEL_RATE // common, source_rate // common
        self._half = _half_length(source_rate)
        self._matrices = _matrices(source_rate)
        span = (BLOCK - 1) * self._down // self._up + 1  # inputs that a block's centres touch
        self._operand = np.zeros(span + 1 + 2 * self._half, dtype=np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard, as if newly made."""
        self._held = np.zeros(self._half, dtype=np.float32)  # silence in front of the first sample
        self._held_from = -self._half  # input number of the first held sample
        self._made = 0  # output samples so far
        self._heard = 0  # input samples so far

    def push(self, samples: Samples) -> Samples:
        """Output samples that became computable."""
        if self._up == self._down:
            return samples
        self._heard += len(samples)
        return self._run(samples)

    def flush(self) -> Samples:
        """The end of the stream: what is left, as if silence followed; then starts anew."""
        if self._up == self._down:
            return np.empty(0, dtype=np.float32)
        wanted = ceil(self._heard * self._up / self._down) - self._made
        tail = np.zeros(2 * len(self._operand) + self._down, dtype=np.float32)
        rest = self._run(tail)[:wanted] if wanted else tail[:0]
        self.reset()
        return rest

    def _run(self, fresh: Samples) -> Samples:
        self._held = np.concatenate((self._held, fresh))
        needed = len(self._operand)
        blocks = []
        while (start := self._made * self._down // self._up - self._half - self._held_from) + (
            needed
        ) <= len(self._held):
            self._operand[:] = self._held[start : start + needed]
            blocks.append(self._operand @ self._matrix())
            self._made += BLOCK
        self._held = self._held[max(0, start) :].copy()
        self._held_from += max(0, start)
        return np.concatenate(blocks) if blocks else np.empty(0, dtype=np.float32)

    def _matrix(self) -> NDArray[np.float32]:
        """Coefficients of the block that begins with output sample `_made`."""
        phase = self._made * self._down % self._up
        if phase not in self._matrices:
            self._matrices[phase] = self._coefficients(phase)
        return self._matrices[phase]

    def _coefficients(self, phase: int) -> NDArray[np.float32]:
        # distances, in input samples, from each input to the centre of each output
        centres = (phase + np.arange(BLOCK) * self._down) / self._up + self._half
        distance = np.arange(len(self._operand))[:, None] - centres
        return _low_pass(distance, self._half, self._source_rate)


@lru_cache(maxsize=8)
def _matrices(source_rate: int) -> dict[int, NDArray[np.float32]]:
    """Coefficients by phase, filled as they are needed and shared by all of the same rate."""
    return {}


def _band_edge(source_rate: int) -> float:
    """Where the stop band begins, in cycles per input sample."""
    return min(source_rate, MODEL_RATE) / 2 / source_rate


def _half_length(source_rate: int) -> int:
    """Input samples on each side of an output sample, by Kaiser's rule."""
    transition = 2 * pi * _band_edge(source_rate) * (1 - PASS_BAND)
    return ceil((ATTENUATION - 7.95) / (2.285 * transition) / 2)


def _low_pass(distance: NDArray[np.float64], half: int, source_rate: int) -> NDArray[np.float32]:
    """Kaiser-windowed sinc, unit gain for a constant, at fractional distances."""
    beta = 0.1102 * (ATTENUATION - 8.7)
    middle = _band_edge(source_rate) * (1 + PASS_BAND) / 2
    inside = np.clip(1.0 - (distance / half) ** 2, 0.0, None)
    window = np.i0(beta * np.sqrt(inside)) / np.i0(beta)
    taps = np.where(np.abs(distance) <= half, window * np.sinc(2 * middle * distance), 0.0)
    return np.ascontiguousarray(taps / taps.sum(axis=0), dtype=np.float32)
