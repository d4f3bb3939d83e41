"""How loud it is, and how far speech stands above the background."""

from __future__ import annotations

import math

BACKGROUND_SECONDS = 10.0
"""Time constant with which the background's power is followed while nobody speaks."""


class Loudness:
    """Follows the background between utterances; no other state."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._background = 0.0
        self._weight = 0.0

    def push(self, power: float, seconds: float, speech: bool) -> tuple[float | None, float | None]:
        """Level in dB of full scale and, while somebody speaks, dB over the background."""
        if not speech:
            kept = math.exp(-seconds / BACKGROUND_SECONDS)
            self._background = self._background * kept + power * (1.0 - kept)
            self._weight = self._weight * kept + (1.0 - kept)
        level = decibels(power)
        background = decibels(self._background / self._weight) if self._weight else None
        if not speech or level is None or background is None:
            return level, None
        return level, level - background


def decibels(power: float) -> float | None:
    """Relative to full scale; None for digital silence."""
    return 10.0 * math.log10(power) if power > 0.0 else None
