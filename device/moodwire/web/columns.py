"""Pictures of recordings of any length: the largest of neighbours, in memory that does not grow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]

COLUMNS = 600
"""Most columns of a picture."""

MOST_ROWS = 16 * COLUMNS
"""Before neighbours become one; half as many are left, so that a column's edge moves by little."""


class Columns:
    """Is pushed rows, and hands out at most COLUMNS, each the largest of those it stands for."""

    def __init__(self, *shape: int) -> None:
        """`shape`: of a row."""
        self._shape = shape
        self._kept: list[Rows] = []
        self._count = 0
        self._span = 1  # how many pushed rows a kept one stands for
        self._rest = np.empty((0, *shape), np.float32)  # less than a span

    def push(self, rows: Rows) -> None:
        rows = np.concatenate([self._rest, rows])
        whole = len(rows) // self._span * self._span
        self._rest = rows[whole:]
        self._keep(self._largest(rows[:whole], self._span))
        if self._count >= MOST_ROWS:
            self._halve()

    def columns(self) -> Rows:
        rows = np.concatenate([*self._kept, self._largest(self._rest, max(1, len(self._rest)))])
        if not len(rows):
            return rows
        starts = np.linspace(0, len(rows), min(COLUMNS, len(rows)), endpoint=False)
        found: Rows = np.maximum.reduceat(rows, np.unique(starts.astype(np.intp)), axis=0)
        return found

    def _keep(self, rows: Rows) -> None:
        self._kept.append(rows)
        self._count += len(rows)

    def _halve(self) -> None:
        rows = np.concatenate(self._kept)
        even = len(rows) // 2 * 2
        odd = np.repeat(rows[even:], self._span, axis=0)
        self._rest = np.concatenate([odd, self._rest])
        self._kept, self._count = [], 0
        self._span *= 2
        self._keep(self._largest(rows[:even], 2))

    def _largest(self, rows: Rows, of: int) -> Rows:
        found: Rows = rows.reshape(-1, of, *self._shape).max(axis=1)
        return found
