"""How long to wait before the broker is tried again: pure, the dice are handed in."""

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
    """Doubles up to a minute, with jitter: a household's devices must not return in step."""

    dice: Callable[[], float] = field(default=random.random)
    _failures: int = 0

    def wait(self, lived: float = 0.0) -> float:
        """Seconds to wait after a connection that lived for `lived` seconds."""
        if lived >= STABLE_SECONDS:
            self._failures = 0
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return longest * (0.5 + 0.5 * self.dice())
