"""Samples to log-mel and MFCC frames, streaming and in batch, bit for bit the same.

Why every frame meets the same arithmetic however the stream was cut: windowing, squares and the
logarithm work on each number alone, the FFT on each row alone. Only matrix kernels may round
differently depending on how many rows they are given and where a row stands; so they get groups
of GROUP rows, and the frame number decides the row that a frame takes in its group.

The FFT runs in double precision: in single, faint bands beside loud ones would be off by a
thousandth of a decibel, ten times what the referee allows. Only numpy is needed: importing scipy
would cost the device half its memory and start-up time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moodwire.features.mel import mel_filters
from moodwire.features.scratch import GROUP, Cut, Scratch
from moodwire.features.spec import FrontendSpec, SpecError

Array = NDArray[np.float32]

IN_PLACE_FFT = np.lib.NumpyVersion(np.__version__) >= "2.0.0"
"""numpy 1, which 32-bit ARM needs, cannot write a spectrum to where it is told."""


class MelStream:
    """Pushed samples in -1..1, returns the natural-log mel frames that became complete."""

    def __init__(self, spec: FrontendSpec) -> None:
        self.spec = spec
        self._hop, self._length = spec.hop_length, spec.frame_length
        self._floor = np.full((), spec.power_floor, dtype=np.float32)
        self._filters = _filters(spec)
        self._scratch = Scratch(spec)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard, as if newly made."""
        self._carried = 0
        self._row = 0  # of the next frame, within its group

    def push(self, samples: ArrayLike) -> Array:
        """Frames completed by these samples, one row each; the result is the caller's to keep."""
        fresh = one_channel(samples)
        out = np.empty((self.frames_after(len(fresh)), self.spec.mel_bands), dtype=np.float32)
        done = 0
        for cut in self.batches(fresh):
            np.log(cut.result, out=out[done : done + cut.count])
            done += cut.count
        return out

    def frames_after(self, samples: int) -> int:
        """How many frames that many more samples would complete."""
        excess = self._carried + samples - self._length
        return 0 if excess < 0 else excess // self._hop + 1

    def batches(self, fresh: Array) -> Iterator[Cut]:
        """Band power in whole groups of rows: views that last until the next step."""
        carry, taken = self._scratch.carry, 0
        while taken < len(fresh):
            carried = self._carried
            room = min(len(carry) - carried, len(fresh) - taken)
            carry[carried : carried + room] = fresh[taken : taken + room]
            taken += room
            self._carried = carried = carried + room
            count = self.frames_after(0)
            if count:
                cut = self._scratch.cut(self._row, count)
                self._compute(cut)
                yield cut
                self._row = (self._row + count) % GROUP
                used = count * self._hop
                self._carried = carried - used
                carry[: carried - used] = carry[used:carried]

    def _compute(self, cut: Cut) -> None:
        cut.framed_input[:] = cut.overlapping
        np.multiply(cut.framed, cut.window, out=cut.framed)
        if IN_PLACE_FFT:
            np.fft.rfft(cut.framed, out=cut.spectrum)
        else:
            cut.spectrum[:] = np.fft.rfft(cut.framed)
        np.multiply(cut.parts, cut.parts, out=cut.parts)
        np.add(cut.real, cut.imaginary, out=cut.exact_power)
        cut.power[:] = cut.exact_power
        np.matmul(cut.power_groups, self._filters, out=cut.band_groups)
        np.maximum(cut.bands, self._floor, out=cut.bands)


class Frontend:
    """Pushed samples, returns the frames of the spec's kind, before any window normalisation."""

    def __init__(self, spec: FrontendSpec) -> None:
        self.spec = spec
        self._mel = MelStream(spec)
        self._dct = _dct(spec) if spec.kind == "mfcc" else None

    def reset(self) -> None:
        self._mel.reset()

    def push(self, samples: ArrayLike) -> Array:
        if self._dct is None:
            return self._mel.push(samples)
        fresh = one_channel(samples)
        out = np.empty((self._mel.frames_after(len(fresh)), self.spec.width), dtype=np.float32)
        done = 0
        for cut in self._mel.batches(fresh):
            np.log(cut.bands, out=cut.bands)
            np.matmul(cut.band_groups, self._dct, out=cut.coefficient_groups)
            out[done : done + cut.count] = cut.coefficients
            done += cut.count
        return out


def one_channel(samples: ArrayLike) -> Array:
    fresh = np.asarray(samples, dtype=np.float32)
    if fresh.ndim != 1:
        raise ValueError(f"samples have {fresh.ndim} dimensions; one channel is needed")
    return fresh


def frames(spec: FrontendSpec, samples: ArrayLike) -> Array:
    """All frames of a recording at once: what a fresh `Frontend` would return in pieces."""
    return Frontend(spec).push(samples)


@lru_cache(maxsize=8)
def _filters(spec: FrontendSpec) -> Array:
    return np.ascontiguousarray(mel_filters(spec).T, dtype=np.float32)


@lru_cache(maxsize=8)
def _dct(spec: FrontendSpec) -> Array:
    return dct_matrix(spec)


def dct_matrix(spec: FrontendSpec) -> Array:
    """Bands to coefficients by `bands @ matrix`: type II, orthonormal."""
    if spec.kind != "mfcc":
        raise SpecError(f"kind is {spec.kind!r}; only mfcc has a DCT")
    bands, count = spec.mel_bands, spec.coefficients
    middle = np.arange(bands)[:, None] + 0.5
    matrix = np.cos(np.pi / bands * middle * np.arange(count)) * np.sqrt(2.0 / bands)
    matrix[:, 0] /= np.sqrt(2.0)
    return np.ascontiguousarray(matrix, dtype=np.float32)
