"""Recordings as the device would hear them: one channel at the front end's rate."""

from __future__ import annotations

from math import gcd
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
from numpy.typing import NDArray

SHORTEST_SECONDS = 0.2


class UnusableClipError(ValueError):
    """A recording that cannot be trained on; the message says why."""


def read_audio(path: Path, rate: int) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Samples in -1..1 at `rate`, and remarks on what had to be put right.

    The container is judged by its content: AIFF files named .wav circulate.
    """
    try:
        samples, found_rate = soundfile.read(path, dtype="float32", always_2d=True)
        kind = soundfile.info(path).format
    except (soundfile.LibsndfileError, OSError) as error:
        raise UnusableClipError(f"unreadable: {error}") from error
    remarks = []
    if kind == "AIFF" and path.suffix.lower() not in {".aif", ".aiff"}:
        remarks.append(f"AIFF named {path.suffix}")
    if samples.shape[1] > 1:
        remarks.append(f"{samples.shape[1]} channels, averaged")
    mono = samples.mean(axis=1)
    if found_rate != rate:
        if found_rate > 48_000:
            remarks.append(f"{found_rate} Hz, resampled")
        mono = resampled(mono, found_rate, rate)
    if len(mono) < SHORTEST_SECONDS * rate:
        raise UnusableClipError(f"only {len(mono) / rate:.2f} s long")
    if not np.isfinite(mono).all():
        raise UnusableClipError("holds numbers that are not finite")
    if np.abs(mono).max() < 1e-4:
        raise UnusableClipError("silent")
    return np.ascontiguousarray(mono, dtype=np.float32), tuple(remarks)


def resampled(mono: NDArray[np.float32], found_rate: int, rate: int) -> NDArray[np.float32]:
    divisor = gcd(found_rate, rate)
    up, down = rate // divisor, found_rate // divisor
    return np.asarray(scipy.signal.resample_poly(mono, up, down))
