"""Every fault that a microphone can have, made on purpose, is named; a sound one is left alone."""

import numpy as np
import pytest

from moodwire.diagnostics.finding import Grade
from moodwire.diagnostics.levels import Levels
from moodwire.diagnostics.sound import judge, measure

RATE = 16_000
TIME = np.arange(3 * RATE) / RATE
NOISE = np.random.default_rng(1).normal(scale=0.01, size=len(TIME)).astype(np.float32)


def grades(samples: np.ndarray) -> dict[str, Grade]:
    return {each.name: each.grade for each in judge(measure(samples.astype(np.float32), RATE))}


def test_a_working_microphone_has_no_fault() -> None:
    found = grades(NOISE)

    assert set(found) == {"level", "clipping", "offset", "hum"}
    assert set(found.values()) == {Grade.FINE}


@pytest.mark.parametrize(
    ("samples", "name", "grade"),
    [
        (np.zeros_like(NOISE), "level", Grade.BROKEN),
        (np.full_like(NOISE, 0.25), "level", Grade.BROKEN),
        (NOISE * 0.003, "level", Grade.BROKEN),
        (np.clip(NOISE * 60, -1, 1), "clipping", Grade.WARNING),
        (NOISE + 0.05, "offset", Grade.WARNING),
        (NOISE * 0.1 + 0.02 * np.sin(2 * np.pi * 50 * TIME), "hum", Grade.WARNING),
        (NOISE * 0.1 + 0.02 * np.sin(2 * np.pi * 180 * TIME), "hum", Grade.WARNING),
    ],
    ids=["zeros", "stuck", "faint", "clipped", "offset", "hum 50", "hum 60, third harmonic"],
)
def test_a_fault_is_named(samples: np.ndarray, name: str, grade: Grade) -> None:
    assert grades(samples)[name] is grade


def test_a_voice_is_not_taken_for_hum() -> None:
    """A low male voice has its harmonics where mains harmonics could lie, but it moves."""
    pitch = 100 + 15 * np.sin(2 * np.pi * 3 * TIME)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum(np.sin(n * phase) / n for n in range(1, 12)) * 0.05

    assert grades(voice + NOISE * 0.1)["hum"] is Grade.FINE


def test_levels_are_those_of_a_sine() -> None:
    sound = measure((0.1 * np.sin(2 * np.pi * 440 * TIME)).astype(np.float32), RATE)

    assert sound.level == pytest.approx(-23.0, abs=0.05)
    assert sound.peak == pytest.approx(-20.0, abs=0.05)


def test_the_meter_holds_peaks_and_counts_clipping() -> None:
    levels = Levels(RATE)
    loud, quiet = np.zeros(1600, np.float32), np.full(1600, 0.01, np.float32)
    loud[:3] = 1.0

    levels.push(loud)
    after_a_second = [levels.push(quiet) for _ in range(10)][-1]
    after_two = [levels.push(quiet) for _ in range(10)][-1]

    assert after_a_second.peak == pytest.approx(0.0)
    assert after_two.peak == pytest.approx(-40.0, abs=0.1)
    assert after_two.level == pytest.approx(-40.0, abs=0.1)
    assert after_two.clipped == 3


def test_the_meter_shows_digital_silence_as_such() -> None:
    assert Levels(RATE).push(np.zeros(1600, np.float32)).level is None
