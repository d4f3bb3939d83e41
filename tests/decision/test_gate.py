"""When the gate is open, and which windows are worth judging."""

from __future__ import annotations

import numpy as np
import pytest

from moodwire.config import Gate
from moodwire.decision.gate import SpeechGate

FRAME = 0.016
HANGOVER = 10 * FRAME
SETTINGS = Gate(enter=0.6, exit=0.4, hangover=HANGOVER, minimum_speech=0.5, linger=0.8)


def gate() -> SpeechGate:
    return SpeechGate(SETTINGS, FRAME, window_frames=100)


def scores(value: float, frames: int) -> np.ndarray:
    return np.full(frames, value, dtype=np.float32)


@pytest.mark.parametrize(
    ("before", "score", "opened"),
    [(0.0, 0.59, False), (0.0, 0.6, True), (0.9, 0.4, True), (0.9, 0.59, True), (0.9, 0.39, False)],
)
def test_it_opens_at_one_score_and_closes_under_a_lower_one(
    before: float, score: float, opened: bool
) -> None:
    tried = gate()
    tried.push(scores(before, 5))
    for _ in range(3):
        now = tried.push(scores(score, 11))
    assert now is opened


def test_it_stays_open_for_the_hangover_and_no_longer() -> None:
    tried = gate()
    tried.push(scores(0.9, 5))
    assert [tried.push(scores(0.1, 1)) for _ in range(12)] == [True] * 10 + [False] * 2


def test_a_word_within_the_hangover_begins_it_anew() -> None:
    tried = gate()
    tried.push(scores(0.9, 5))
    tried.push(scores(0.1, 9))
    tried.push(scores(0.5, 1))
    assert tried.push(scores(0.1, 10))


def test_only_speech_counts_as_spoken() -> None:
    tried = gate()
    tried.push(scores(0.1, 30))
    tried.push(scores(0.9, 20))
    tried.push(scores(0.1, 30))
    assert tried.spoken == pytest.approx(20 * FRAME)
    tried.push(scores(0.1, 60))
    assert tried.spoken == pytest.approx(10 * FRAME), "what left the window is forgotten"


def test_what_led_up_to_it_was_speech_once_it_opens() -> None:
    tried = gate()
    tried.push(scores(0.5, 10))
    tried.push(scores(0.1, 5))
    tried.push(scores(0.5, 20))
    assert tried.spoken == 0.0
    tried.push(scores(0.6, 1))
    assert tried.spoken == pytest.approx(21 * FRAME), "back to where nobody spoke"


def test_a_window_needs_enough_speech_to_be_judged() -> None:
    tried = gate()
    tried.push(scores(0.9, 31))
    assert not tried.worth_judging
    tried.push(scores(0.9, 1))
    assert tried.worth_judging


def test_judging_lingers_after_speech_and_then_stops() -> None:
    tried = gate()
    tried.push(scores(0.9, 80))
    lingering = 10 + round(SETTINGS.linger / FRAME)
    judged = []
    for _ in range(lingering + 5):
        tried.push(scores(0.1, 1))
        judged.append(tried.worth_judging)
    assert judged == [True] * lingering + [False] * 5, "though speech is still in the window"


def test_reset_forgets() -> None:
    tried = gate()
    tried.push(scores(0.9, 90))
    tried.push(scores(0.1, 15))
    tried.push(scores(0.5, 40))
    tried.reset()
    tried.push(scores(0.6, 1))
    assert tried.spoken == pytest.approx(FRAME)
    tried.reset()
    assert (tried.spoken, tried.worth_judging, tried.push(scores(0.5, 3))) == (0.0, False, False)
