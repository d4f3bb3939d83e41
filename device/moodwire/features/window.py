"""The window that the model sees: the last frames, made independent of level and channel gain."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from moodwire.features.mel import dct_matrix
from moodwire.features.spec import FrontendSpec

Array = NDArray[np.float32]

LOUD_FRAMES = 0.97
"""Share of a window's frames that are quieter than its reference level."""

DEVIATION_FLOOR = np.float32(0.1)
"""Added to the standard deviation, in nats: a window without contrast must not be blown up."""


@lru_cache(maxsize=8)
def _ones(count: int) -> Array:
    """A dot product with ones takes a third of the time of a sum."""
    return np.ones(count, dtype=np.float32)


def window_features(spec: FrontendSpec, logmel: NDArray[np.float32]) -> Array:
    """Log-mel windows (..., frames, bands) to what the model sees (..., frames, width).

    One window at a time, so that a window in a batch has the same bits as one that stands alone.
    """
    windows = logmel.reshape(-1, *logmel.shape[-2:])
    out = np.empty((*windows.shape[:2], spec.width), dtype=np.float32)
    for window, features in zip(windows, out, strict=True):
        _features(spec, window, window.max(axis=1), features)
    return out.reshape(*logmel.shape[:-1], spec.width)


def _features(spec: FrontendSpec, logmel: Array, loudest_bands: Array, out: Array) -> None:
    if spec.normalisation == "window":
        logmel = _normalised(spec, logmel, loudest_bands)
    if spec.kind == "mfcc":
        np.matmul(logmel, dct_matrix(spec), out=out)
    else:
        out[:] = logmel


def _normalised(spec: FrontendSpec, logmel: Array, loudest_bands: Array) -> Array:
    """Zero mean and about unit deviation over all cells, the quietest ones lifted to a floor."""
    rank = int(LOUD_FRAMES * (len(loudest_bands) - 1))
    reference = np.partition(loudest_bands, rank)[rank]
    kept = np.empty_like(logmel)  # numpy compares two arrays in half the time of one and a number
    kept.fill(reference - np.float32(spec.dynamic_range))
    np.maximum(logmel, kept, out=kept)
    cells = kept.reshape(-1)
    cells -= np.dot(cells, _ones(len(cells))) / np.float32(len(cells))
    deviation = np.sqrt(np.dot(cells, cells) / np.float32(len(cells)))
    cells *= np.float32(1.0) / (deviation + DEVIATION_FLOOR)
    return kept


class FeatureWindow:
    """Keeps the newest `window_frames` log-mel frames contiguous, without moving them each time.

    Frames are appended behind one another in twice the room; only when its end is reached are
    the newest moved to the front. So a hop costs its own frames, not the window's.
    """

    def __init__(self, spec: FrontendSpec) -> None:
        self.spec = spec
        self._frames = np.empty((4 * spec.window_frames, spec.mel_bands), dtype=np.float32)
        self._loudest_bands = np.empty(len(self._frames), dtype=np.float32)
        self._end = 0

    def reset(self) -> None:
        self._end = 0

    @property
    def full(self) -> bool:
        return self._end >= self.spec.window_frames

    def append(self, logmel: Array) -> None:
        keep = self.spec.window_frames
        logmel = logmel[-keep:]
        if self._end + len(logmel) > len(self._frames):
            kept = min(keep, self._end)
            for room in (self._frames, self._loudest_bands):
                room[:kept] = room[self._end - kept : self._end]
            self._end = kept
        end = self._end + len(logmel)
        self._frames[self._end : end] = logmel
        logmel.max(axis=1, out=self._loudest_bands[self._end : end])
        self._end = end

    @property
    def logmel(self) -> Array:
        """The raw frames of the window, oldest first: a view, valid until the next append."""
        return self._frames[self._newest]

    @property
    def _newest(self) -> slice:
        return slice(max(0, self._end - self.spec.window_frames), self._end)

    def features(self, warp: Array | None = None) -> Array:
        """The normalised features of the full window, its bands first warped by that matrix."""
        if not self.full:
            raise ValueError(f"the window holds {self._end} of {self.spec.window_frames} frames")
        out = np.empty((self.spec.window_frames, self.spec.width), dtype=np.float32)
        logmel, loudest_bands = self.logmel, self._loudest_bands[self._newest]
        if warp is not None:
            logmel = np.matmul(logmel, warp)
            loudest_bands = logmel.max(axis=1)
        _features(self.spec, logmel, loudest_bands, out)
        return out
