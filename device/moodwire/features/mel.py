"""Triangular mel filters, on the scale of HTK or of Slaney's Auditory Toolbox; and the DCT."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from moodwire.features.spec import FrontendSpec, SpecError

SLANEY_LINEAR_HZ = 200.0 / 3.0  # Hz per mel below the knee
SLANEY_KNEE_HZ = 1_000.0
SLANEY_LOG_STEP = np.log(6.4) / 27.0  # 27 mels from 1 kHz to 6.4 kHz


def hz_to_mel(hz: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    if scale == "htk":
        return np.asarray(2595.0 * np.log10(1.0 + hz / 700.0))
    above = np.maximum(hz, SLANEY_KNEE_HZ)
    knee = SLANEY_KNEE_HZ / SLANEY_LINEAR_HZ
    return np.where(
        hz < SLANEY_KNEE_HZ,
        hz / SLANEY_LINEAR_HZ,
        knee + np.log(above / SLANEY_KNEE_HZ) / SLANEY_LOG_STEP,
    )


def mel_to_hz(mel: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
    knee = SLANEY_KNEE_HZ / SLANEY_LINEAR_HZ
    return np.where(
        mel < knee,
        mel * SLANEY_LINEAR_HZ,
        SLANEY_KNEE_HZ * np.exp(SLANEY_LOG_STEP * (np.maximum(mel, knee) - knee)),
    )


def mel_filters(spec: FrontendSpec) -> NDArray[np.float64]:
    """One row of weights per band, one column per FFT bin."""
    edges = np.array([spec.mel_low_hz, spec.mel_high_hz])
    low, high = hz_to_mel(edges, spec.mel_scale)
    points = mel_to_hz(np.linspace(low, high, spec.mel_bands + 2), spec.mel_scale)
    bins = np.fft.rfftfreq(spec.fft_length, 1.0 / spec.sample_rate)
    left, centre, right = points[:-2, None], points[1:-1, None], points[2:, None]
    rising = (bins - left) / (centre - left)
    falling = (right - bins) / (right - centre)
    weights = np.maximum(0.0, np.minimum(rising, falling))
    if spec.mel_scale == "slaney":
        weights *= 2.0 / (right - left)
    return np.asarray(weights)


@lru_cache(maxsize=8)
def dct_matrix(spec: FrontendSpec) -> NDArray[np.float32]:
    """Bands to coefficients by `bands @ matrix`: type II, orthonormal."""
    if spec.kind != "mfcc":
        raise SpecError(f"kind is {spec.kind!r}; only mfcc has a DCT")
    bands, count = spec.mel_bands, spec.coefficients
    middle = np.arange(bands)[:, None] + 0.5
    matrix = np.cos(np.pi / bands * middle * np.arange(count)) * np.sqrt(2.0 / bands)
    matrix[:, 0] /= np.sqrt(2.0)
    return np.ascontiguousarray(matrix, dtype=np.float32)
