"""Memory that the front end computes in: allocated once, cut into views once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from moodwire.features.spec import FrontendSpec

Array = NDArray[np.float32]

GROUP = 8
"""Rows that a matrix kernel is given at once; see the front end."""

BATCH_FRAMES = 64
"""Most frames computed at once: bounds the scratch memory, and keeps it in the cache."""


class Scratch:
    """Memory for one batch of frames, laid out once."""

    def __init__(self, spec: FrontendSpec) -> None:
        rows, bins = BATCH_FRAMES + 2 * GROUP, spec.fft_length // 2 + 1
        self.carry = np.zeros(
            spec.frame_length + (BATCH_FRAMES - 1) * spec.hop_length, dtype=np.float32
        )
        self.overlapping = as_strided(
            self.carry,
            shape=(BATCH_FRAMES, spec.frame_length),
            strides=(spec.hop_length * self.carry.itemsize, self.carry.itemsize),
            writeable=False,
        )
        self.window = window_rows(spec.frame_length, spec.fft_length)
        self.framed = np.zeros((BATCH_FRAMES, spec.fft_length))
        self.spectrum = np.zeros((BATCH_FRAMES, bins), dtype=np.complex128)
        self.exact_power = np.zeros((BATCH_FRAMES, bins))
        self.power = np.zeros((rows, bins), dtype=np.float32)
        self.bands = np.zeros((rows, spec.mel_bands), dtype=np.float32)
        self.coefficients = np.zeros((rows, spec.width), dtype=np.float32)
        self._cuts: dict[tuple[int, int], Cut] = {}

    def cut(self, first: int, count: int) -> Cut:
        """Views for `count` frames of which the first takes row `first` of its group.

        Kept, since making them anew would cost as much as some of the arithmetic.
        """
        found = self._cuts.get((first, count))
        if found is None:
            found = self._cuts[first, count] = self._make_cut(first, count)
        return found

    def _make_cut(self, first: int, count: int) -> Cut:
        last = first + count
        rows = -(-last // GROUP) * GROUP
        bands = self.bands[:rows]
        parts = self.spectrum[:count].view(np.float64)
        return Cut(
            count=count,
            overlapping=self.overlapping[:count],
            window=self.window[:count],
            framed=self.framed[:count],
            framed_input=self.framed[:count, : self.overlapping.shape[1]],
            spectrum=self.spectrum[:count],
            parts=parts,
            real=parts[:, ::2],
            imaginary=parts[:, 1::2],
            exact_power=self.exact_power[:count],
            power=self.power[first:last],
            power_groups=by_group(self.power[:rows]),
            bands=bands,
            band_groups=by_group(bands),
            result=bands[first:last],
            coefficient_groups=by_group(self.coefficients[:rows]),
            coefficients=self.coefficients[first:last],
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """The parts of the scratch memory that one batch of frames uses."""

    count: int
    overlapping: Array
    window: NDArray[np.float64]
    framed: NDArray[np.float64]
    framed_input: NDArray[np.float64]
    spectrum: NDArray[np.complex128]
    parts: NDArray[np.float64]
    real: NDArray[np.float64]
    imaginary: NDArray[np.float64]
    exact_power: NDArray[np.float64]
    power: Array
    power_groups: Array
    bands: Array
    band_groups: Array
    result: Array
    coefficient_groups: Array
    coefficients: Array


def by_group(rows: Array) -> Array:
    return rows.reshape(-1, GROUP, rows.shape[1])


@lru_cache(maxsize=4)
def window_rows(frame_length: int, fft_length: int) -> NDArray[np.float64]:
    """A row for each frame: numpy is quicker when there is nothing to broadcast."""
    rows = np.zeros((BATCH_FRAMES, fft_length))
    rows[:, :frame_length] = periodic_hann(frame_length)
    return rows


def periodic_hann(length: int) -> NDArray[np.float64]:
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length))
