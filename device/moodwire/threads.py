"""What has to be done before numpy loads."""

from __future__ import annotations

import os

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def limit_threads() -> None:
    """To one: the work is small, and helpers that wait by spinning cost more than they help."""
    for name in THREAD_LIMITS:
        os.environ.setdefault(name, "1")
