"""Probabilities from logits, or from logarithms of whatever adds up to something else than one."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Float = TypeVar("Float", bound=np.floating[Any])


def softmax(logits: NDArray[Float]) -> NDArray[Float]:
    """Over the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: NDArray[Float] = raised / raised.sum(axis=-1, keepdims=True)
    return result
