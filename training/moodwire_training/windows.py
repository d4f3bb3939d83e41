"""Small arithmetic on log-mel windows that several parts of training share."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from moodwire.features import DEFAULT_SPEC

Floats = NDArray[np.float32]

SILENCE = np.float32(math.log(DEFAULT_SPEC.power_floor))
"""Natural logarithm of the power in a band of a digitally silent frame."""


def total_power(power: Floats) -> Floats:
    """Broadband power per frame: the triangles overlap to one, so the bands add up to it."""
    return np.asarray(power.sum(axis=-1))
