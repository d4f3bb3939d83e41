"""Times are right although packets come late, and a stall is seen."""

import pytest

from moodwire.audio.clock import CaptureClock


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
