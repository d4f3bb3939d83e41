"""Memory that the front end computes in: allocated once, cut into views once."""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from moodwire.features.mel import dct_matrix, mel_filters
from moodwire.features.spec import FrontendSpec, Kind

Array = NDArray[np.float32]
Exact = NDArray[np.float64]
Step = Callable[[], object]

GROUP = 8
"""Rows that a matrix kernel is given at once; see the front end."""

BATCH_FRAMES = 96
"""Most frames computed at once: bounds the scratch memory, and keeps it in the cache."""

LOW_BANDS = 0.6
"""Share of the bands that are summed apart from the others: a kernel multiplies all bins that it is
given for all bands, and the low bands together span few."""

IN_PLACE_FFT = np.lib.NumpyVersion(np.__version__) >= "2.0.0"
"""numpy 1, which 32-bit ARM needs, cannot write a spectrum to where it is told."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What is done to one batch of frames: calls whose operands are tied to them once and for all.

    Looking up the arrays for every hop, and cutting them, would cost a fifth of the arithmetic.
    """

    steps: tuple[Step, ...]
    result: Array
    """A row for each frame, when the steps were done."""


class Scratch:
    """Memory for one batch of frames, laid out once."""

    def __init__(self, spec: FrontendSpec, kind: Kind) -> None:
        rows, bins = BATCH_FRAMES + 2 * GROUP, spec.fft_length // 2 + 1
        self.carry = on_page((spec.frame_length + (BATCH_FRAMES - 1) * spec.hop_length,))
        self._overlapping = as_strided(
            self.carry,
            shape=(BATCH_FRAMES, spec.frame_length),
            strides=(spec.hop_length * self.carry.itemsize, self.carry.itemsize),
            writeable=False,
        )
        self._window = window_rows(spec.frame_length)
        self._framed = on_page((BATCH_FRAMES, spec.fft_length))
        self._spectrum = np.zeros((BATCH_FRAMES, bins), dtype=np.complex128)
        self._parts = np.zeros((rows, 2 * bins), dtype=np.float32)
        self._sums = band_sums(spec)
        self._bands = np.zeros((rows, spec.mel_bands), dtype=np.float32)
        self._floor = np.full((), spec.power_floor, dtype=np.float32)
        self._dct = dct_matrix(spec) if kind == "mfcc" else None
        self._coefficients = np.zeros((rows, spec.width), dtype=np.float32)
        self._cuts: dict[tuple[int, int], Cut] = {}

    def cut(self, first: int, count: int) -> Cut:
        """For `count` frames of which the first takes row `first` of its group."""
        found = self._cuts.get((first, count))
        if found is None:
            found = self._cuts[first, count] = self._make_cut(first, count)
        return found

    def _make_cut(self, first: int, count: int) -> Cut:
        last = first + count
        rows = -(-last // GROUP) * GROUP
        bands = self._bands[:rows]
        steps: list[Step] = [
            *self._spectrum_steps(count, self._parts[first:last]),
            *self._band_steps(by_group(self._parts[:rows]), by_group(bands)),
            partial(np.maximum, bands, self._floor, out=bands),
        ]
        result = bands[first:last]
        if self._dct is not None:
            steps.append(partial(np.log, bands, out=bands))
            coefficients = by_group(self._coefficients[:rows])
            steps.append(partial(np.matmul, by_group(bands), self._dct, out=coefficients))
            result = self._coefficients[first:last]
        return Cut(tuple(steps), result)

    def _spectrum_steps(self, count: int, parts: Array) -> Iterator[Step]:
        """From the carry to the squares of the real and imaginary parts of all bins, in turn."""
        framed, spectrum, window = (
            self._framed[:count],
            self._spectrum[:count],
            self._window[:count],
        )
        framed_input = framed[:, : window.shape[1]]
        yield partial(np.copyto, framed_input, self._overlapping[:count])
        yield partial(np.multiply, framed_input, window, out=framed_input)
        if IN_PLACE_FFT:
            yield partial(np.fft.rfft, framed, out=spectrum)
        else:
            yield lambda: np.copyto(spectrum, np.fft.rfft(framed))
        yield partial(np.copyto, parts, spectrum.view(np.float64), casting="same_kind")
        yield partial(np.multiply, parts, parts, out=parts)

    def _band_steps(self, parts: Array, bands: Array) -> Iterator[Step]:
        for each in self._sums:
            squares, sums = parts[:, :, each.parts], bands[:, :, each.bands]
            yield partial(np.matmul, squares, each.weights, out=sums)


def by_group(rows: Array) -> Array:
    return rows.reshape(-1, GROUP, rows.shape[1])


@dataclass(frozen=True, slots=True)
class BandSum:
    """Neighbouring bands, and what of the squared parts any of them has weight in."""

    parts: slice
    weights: Array
    bands: slice


@lru_cache(maxsize=8)
def band_sums(spec: FrontendSpec) -> list[BandSum]:
    """A bin has its weight twice, for the squares of its real and of its imaginary part."""
    weights = np.repeat(mel_filters(spec).T.astype(np.float32), 2, axis=0)
    middle = round(LOW_BANDS * spec.mel_bands)
    return [_band_sum(weights, slice(middle)), _band_sum(weights, slice(middle, None))]


def _band_sum(weights: Array, bands: slice) -> BandSum:
    weighty = np.flatnonzero(weights[:, bands].any(axis=1))
    parts = slice(weighty[0], weighty[-1] + 1) if len(weighty) else slice(1)
    return BandSum(parts, np.ascontiguousarray(weights[parts, bands]), bands)


@lru_cache(maxsize=4)
def window_rows(frame_length: int) -> Exact:
    """A row for each frame: numpy is quicker when there is nothing to broadcast."""
    rows = on_page((BATCH_FRAMES, frame_length))
    rows[:] = periodic_hann(frame_length)
    return rows


def on_page(shape: tuple[int, ...]) -> Exact:
    """Zeros that begin with a page of memory.

    Processors tell loads from the stores before them by their place within a page. Arrays that
    are read and written side by side begin at the same one, else a copy may take twice the time.
    """
    size = math.prod(shape) * np.dtype(np.float64).itemsize
    memory = np.zeros(size + mmap.PAGESIZE, dtype=np.uint8)
    start = -memory.__array_interface__["data"][0] % mmap.PAGESIZE
    return memory[start : start + size].view(np.float64).reshape(shape)


def periodic_hann(length: int) -> Exact:
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length))
