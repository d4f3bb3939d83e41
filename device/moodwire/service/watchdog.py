"""Whether the daemon deserves to live on: it hears and judges, or is doing something about it.

The service manager's watchdog is fed only then. Nothing here looks at the broker: a device whose
broker is away goes on hearing, and keeps what it heard.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

GRACE_SECONDS: Final = 10.0
"""In which sound may arrive without a hop being judged: far longer than the longest hop."""

RECOVERY_SECONDS: Final = 600.0
"""For which reopening a dead source is left to the daemon itself. Then a fresh process is worth a
try; but a microphone that is unplugged for a week must not restart the service every minute."""


@dataclass(slots=True)
class WatchdogGate:
    """Pure: told what was counted, with the time handed in."""

    healthy_at: float
    """When it last heard and judged, or was muted; at first: when it was started."""

    _blocks: int = field(default=0, init=False)
    _hops: int = field(default=0, init=False)

    def deserves_food(self, now: float, *, blocks: int, hops: int, muted: bool) -> bool:
        """`blocks` of sound and `hops` judged, so far."""
        arriving, judging = blocks != self._blocks, hops != self._hops
        self._blocks, self._hops = blocks, hops
        if muted or judging:
            self.healthy_at = now
        patience = GRACE_SECONDS if arriving else RECOVERY_SECONDS
        return now - self.healthy_at < patience
