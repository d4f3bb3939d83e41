"""A picture of hours takes no more memory than one of minutes, and shows what was loud."""

import tracemalloc

import numpy as np
import pytest

from moodwire.web.columns import COLUMNS, MOST_ROWS, Columns


@pytest.mark.parametrize("pieces", [1, 3, 62, 1_000])
@pytest.mark.parametrize("count", [1, 599, 601, MOST_ROWS - 1, 5 * MOST_ROWS + 13])
def test_each_column_is_the_largest_of_its_time(count, pieces):
    rows = np.random.default_rng(count).random((count, 2), dtype=np.float32)
    columns = Columns(2)
    for start in range(0, count, pieces):
        columns.push(rows[start : start + pieces])
    found = columns.columns()
    assert len(found) == min(COLUMNS, count)
    assert np.array_equal(found.max(axis=0), rows.max(axis=0))
    if count < MOST_ROWS:
        edges = np.linspace(0, count, len(found), endpoint=False).astype(np.intp)
        assert np.array_equal(found, np.maximum.reduceat(rows, edges, axis=0))


@pytest.mark.parametrize("at", [0, 3_333, 20_000, 99_999])
def test_what_is_loud_stands_where_it_was(at):
    columns = Columns()
    loud = np.zeros(100_000, np.float32)
    loud[at] = 1.0
    for piece in np.array_split(loud, 1_777):
        columns.push(piece)
    assert np.argmax(columns.columns()) == pytest.approx(at / 100_000 * COLUMNS, abs=1.0)


def test_nothing_has_no_columns():
    assert Columns(40).columns().shape == (0, 40)


def test_an_hour_takes_no_more_memory_than_minutes():
    columns, second = Columns(40), np.ones((62, 40), np.float32)
    tracemalloc.start()
    for _ in range(3_600):
        columns.push(second)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * MOST_ROWS * 40 * 4
