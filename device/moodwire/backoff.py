"""How long to wait before a broker or a microphone is tried again: pure, the dice are handed in."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 60.0
STABLE_SECONDS: Final = 10.0
"""A connection that lived for this long makes the next wait short again."""


@dataclass(slots=True)
class Backoff:
    """Doubles, half of it fixed and half random: what failed together must not return in step."""

    first: float = FIRST_SECONDS
    longest: float = LONGEST_SECONDS
    dice: Callable[[], float] = field(default=random.random)
    _failures: int = 0

    def wait(self, lived: float = 0.0) -> float:
        """Seconds to wait after a connection that lived for `lived` seconds."""
        if lived >= STABLE_SECONDS:
            self.forget()
        longest = min(self.longest, self.first * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return longest * (0.5 + 0.5 * self.dice())

    def forget(self) -> None:
        """What failed."""
        self._failures = 0
