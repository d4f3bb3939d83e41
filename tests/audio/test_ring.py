"""Between callback and reader: bounded, never waiting, losses counted, times right."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodwire.audio.clock import CaptureClock
from moodwire.audio.ring import Ring


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60))
def test_what_is_read_is_what_was_written_or_is_counted_as_lost(steps):
    ring = Ring(capacity=16, channels=2)
    written, following = 0, 0
    for write, count in steps:
        if write:
            numbers = np.arange(written, written + count, dtype=np.float32)
            ring.write(np.column_stack((numbers, -numbers)))
            written += count
        else:
            taken = ring.read(count)
            assert taken.position == following + taken.lost
            expected = np.arange(taken.position, taken.position + len(taken.block))
            assert (taken.block[:, 0] == expected).all() and (taken.block[:, 1] == -expected).all()
            assert len(taken.block) == min(count, written - taken.position)
            following = taken.position + len(taken.block)
        assert ring.written == written
        assert ring.waiting <= ring.capacity
    ring.read(100)
    assert ring.written == written


def test_a_reader_never_sees_sound_that_is_being_overwritten():
    ring = Ring(capacity=1_000, channels=1)
    blocks = 20_000

    def write():
        for number in range(blocks):
            ring.write(np.full((37, 1), number, dtype=np.float32))

    writer = threading.Thread(target=write)
    writer.start()
    read = lost = 0
    while writer.is_alive() or ring.waiting:
        taken = ring.read(300)
        expected = np.arange(taken.position, taken.position + len(taken.block)) // 37
        assert (taken.block[:, 0] == expected).all()
        read += len(taken.block)
        lost += taken.lost
    writer.join()
    assert read + lost == 37 * blocks


def test_the_clock_follows_the_earliest_arrivals():
    clock = CaptureClock(rate=1_000)
    for second, late in enumerate([0.30, 0.02, 0.10, 0.01, 0.20], start=1):
        clock.arrived(100.0 + second + late, position=1_000 * second)
    assert clock.time_of(5_000) == pytest.approx(105.01, abs=0.005)
    assert clock.gaps == 0


def test_the_clock_sees_a_stall_and_starts_from_there():
    clock = CaptureClock(rate=1_000)
    clock.arrived(101.0, position=1_000)
    clock.arrived(107.0, position=2_000)  # five seconds of sound never came
    assert clock.gaps == 1
    assert clock.time_of(2_000) == pytest.approx(107.0)


def test_the_clock_follows_a_sound_card_that_runs_slow():
    clock = CaptureClock(rate=1_000)
    for second in range(1, 3_601):
        clock.arrived(100.0 + second * 1.0002, position=1_000 * second)  # 200 ppm
    assert clock.time_of(3_600_000) == pytest.approx(100.0 + 3_600 * 1.0002, abs=0.01)
    assert clock.gaps == 0
