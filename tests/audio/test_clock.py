"""Times are right although packets come late, and a stall is seen."""

import pytest

from moodwire.audio.clock import REACH_SECONDS, Arrivals, CaptureClock


def test_the_clock_follows_the_earliest_arrivals():
    clock = CaptureClock(rate=1_000)
    for second, late in enumerate([0.30, 0.02, 0.10, 0.01, 0.20], start=1):
        assert not clock.arrived(100.0 + second + late, position=1_000 * second)
    assert clock.time_of(5_000) == pytest.approx(105.01, abs=0.005)


def test_the_clock_sees_a_stall_and_starts_from_there():
    clock = CaptureClock(rate=1_000)
    assert not clock.arrived(101.0, position=1_000)
    assert clock.arrived(107.0, position=2_000)  # five seconds of sound never came
    assert clock.time_of(2_000) == pytest.approx(107.0)


def test_the_clock_follows_a_sound_card_that_runs_slow():
    clock = CaptureClock(rate=1_000)
    for second in range(1, 3_601):
        assert not clock.arrived(100.0 + second * 1.0002, position=1_000 * second)  # 200 ppm
    assert clock.time_of(3_600_000) == pytest.approx(100.0 + 3_600 * 1.0002, abs=0.01)


def arrived(*pieces):
    arrivals = Arrivals()
    for begins, ends, ahead in pieces:
        arrivals.note(begins, ends, ahead)
    return arrivals


def test_what_came_in_real_time_came_when_it_was_counted():
    arrivals = arrived(*((second, second + 1.0, 0.0) for second in range(100, 110)))
    for moment in (99.0, 100.0, 104.3, 110.0):
        assert arrivals.of(moment) == pytest.approx(moment)


def test_what_came_in_haste_came_in_order_and_keeps_its_time():
    arrivals = Arrivals()
    counted, said = [], []
    for piece in range(50):
        began, ended = 100.0 + piece, 101.0 + piece
        arrivals.note(began, ended, ahead=ended - (101.0 + 0.01 * piece))
        counted += [began + 0.1, began + 0.9]
        said += [arrivals.of(moment) for moment in counted[-2:]]
    assert said == sorted(said)
    assert said[-1] < 101.5
    assert [arrivals.of(moment) for moment in counted] == said


def test_what_came_after_a_gap_came_after_it():
    arrivals = arrived((100.0, 110.0, 8.0), (160.0, 161.0, 0.0))
    assert arrivals.of(110.0) == pytest.approx(102.0)
    assert arrivals.of(160.5) == pytest.approx(160.5)


def test_what_came_after_haste_and_a_pause_came_after_the_pause():
    arrivals = arrived((100.0, 130.0, 29.0), (130.0, 131.0, -70.0))
    assert arrivals.of(130.0) == pytest.approx(101.0)
    assert arrivals.of(130.1) == pytest.approx(200.1)


def test_months_of_a_pipe_are_not_kept():
    arrivals = Arrivals()
    for second in range(round(6 * REACH_SECONDS)):
        arrivals.note(float(second), second + 1.0, 0.5 * second)
    assert len(arrivals) <= 2 * REACH_SECONDS + 2
    last = 6 * REACH_SECONDS
    assert arrivals.of(last - REACH_SECONDS) == pytest.approx(0.5 * (last - REACH_SECONDS), abs=1.0)
