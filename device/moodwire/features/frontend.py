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

import threading

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moodwire.features.scratch import GROUP, Scratch
from moodwire.features.spec import FrontendSpec, Kind

Array = NDArray[np.float32]


class Frontend:
    """Pushed samples in -1..1, returns the frames of the spec's kind that became complete, before
    any window normalisation."""

    def __init__(self, spec: FrontendSpec, kind: Kind | None = None) -> None:
        """`kind`: another than the spec's."""
        self.spec = spec
        kind = kind or spec.kind
        self._hop, self._length = spec.hop_length, spec.frame_length
        self._width = spec.coefficients if kind == "mfcc" else spec.mel_bands
        self._scratch = Scratch(spec, kind)
        # bands are left for this to take the logarithm of, on their way to the caller
        self._finish = np.positive if kind == "mfcc" else np.log
        self.reset()

    def reset(self) -> None:
        """Forget everything heard, as if newly made."""
        self._carried = 0
        self._row = 0  # of the next frame, within its group

    def push(self, samples: ArrayLike) -> Array:
        """Frames completed by these samples, one row each; the result is the caller's to keep."""
        fresh = one_channel(samples)
        carried, carry = self._carried, self._scratch.carry
        out = np.empty((self._complete(carried + len(fresh)), self._width), dtype=np.float32)
        taken = done = 0
        while taken < len(fresh):
            room = min(len(carry) - carried, len(fresh) - taken)
            carry[carried : carried + room] = fresh[taken : taken + room]
            taken += room
            carried += room
            if count := self._complete(carried):
                cut = self._scratch.cut(self._row, count)
                for step in cut.steps:
                    step()
                self._finish(cut.result, out[done : done + count])
                done += count
                self._row = (self._row + count) % GROUP
                used = count * self._hop
                carried -= used
                carry[:carried] = carry[used : used + carried]
        self._carried = carried
        return out

    def _complete(self, samples: int) -> int:
        """Frames that lie wholly within that many samples."""
        return 0 if samples < self._length else (samples - self._length) // self._hop + 1


class MelStream(Frontend):
    """Returns natural-log mel frames, whatever the spec's kind is: windows are made of them."""

    def __init__(self, spec: FrontendSpec) -> None:
        super().__init__(spec, "logmel")


def one_channel(samples: ArrayLike) -> Array:
    fresh = np.asarray(samples, dtype=np.float32)
    if fresh.ndim != 1:
        raise ValueError(f"samples have {fresh.ndim} dimensions; one channel is needed")
    return fresh


class _Kept(threading.local):
    """The front end that this thread last used: new memory would cost a third of a window's time,
    since the system hands it out page by page."""

    frontend: Frontend | None = None


_kept = _Kept()


def frames(spec: FrontendSpec, samples: ArrayLike) -> Array:
    """All frames of a recording at once: what a fresh `Frontend` would return in pieces."""
    frontend = _kept.frontend
    if frontend is None or frontend.spec != spec:
        frontend = _kept.frontend = Frontend(spec)
    frontend.reset()
    return frontend.push(samples)
