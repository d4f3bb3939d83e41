"""A voice that always sounds a little sad is not sad; one that is sad for long stays sad."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from moodwire.config import Decision
from moodwire.decision.decider import Decider
from moodwire.decision.habit import Habit
from moodwire.decision.observation import Window

LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad")
HOP = 0.25
PATIENCE = 30.0

Floats = NDArray[np.float64]


def voice(mood: str, leaning: Floats, sureness: float = 2.0) -> NDArray[np.float32]:
    """What the model says of a voice in this mood that always leans somewhere."""
    logits = leaning + sureness * np.array([label == mood for label in LABELS])
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), dtype=np.float32)


def leaning_to(mood: str, nats: float) -> Floats:
    return nats * np.array([label == mood for label in LABELS], dtype=np.float64)


def listen(habit: Habit, said: NDArray[np.float32], seconds: float) -> str:
    """The mood after so many seconds of this."""
    for _ in range(round(seconds / HOP)):
        left = habit.push(said, HOP, PATIENCE)
    return LABELS[int(left.argmax())]


def test_gets_used_to_a_voice_that_always_sounds_sad() -> None:
    habit, melancholy = Habit(LABELS), leaning_to("sad", 2.2)
    plain = voice("neutral", melancholy)
    assert LABELS[int(plain.argmax())] == "sad"
    assert listen(habit, plain, 240.0) == "neutral"
    assert listen(habit, voice("happy", melancholy), HOP) == "happy"
    assert listen(habit, voice("sad", melancholy), HOP) == "sad"


@pytest.mark.parametrize("mood", LABELS)
def test_a_quarrel_is_not_taken_for_the_way_people_sound(mood: str) -> None:
    habit = Habit(LABELS)
    assert listen(habit, voice("neutral", np.zeros(6)), 3600.0) == "neutral"
    assert listen(habit, voice(mood, np.zeros(6)), 600.0) == mood


@pytest.mark.parametrize("mood", [label for label in LABELS if label != "neutral"])
def test_who_was_never_heard_otherwise_stays_angry_for_an_hour(mood: str) -> None:
    """A quarrel right after the start: the answers of a real network, which differ from window to
    window, and are sometimes surer than a mood is."""
    habit, rng, shown = Habit(LABELS), np.random.default_rng(5), []
    for _ in range(4 * 3600):
        said = voice(mood, rng.normal(0.0, 1.0, 6), 2.5)
        shown.append(LABELS[int(habit.push(said, HOP, PATIENCE).argmax())])
    assert shown[-4 * 300 :].count(mood) > 0.5 * len(shown[-4 * 300 :])


@pytest.mark.parametrize("sureness", [1.0, 2.0, 3.0])
def test_plain_talk_for_hours_makes_no_moods(sureness: float) -> None:
    habit, rng = Habit(LABELS), np.random.default_rng(5)
    before, after = [], []
    for _ in range(4 * 3600):
        said = voice("neutral", rng.normal(0.0, 1.0, 6), sureness)
        before.append(LABELS[int(said.argmax())])
        after.append(LABELS[int(habit.push(said, HOP, PATIENCE).argmax())])
    assert after.count("neutral") > 0.95 * before.count("neutral")


def test_no_patience_leaves_every_answer_as_it_is() -> None:
    habit, said = Habit(LABELS), voice("sad", leaning_to("angry", 1.0))
    for _ in range(1000):
        assert habit.push(said, HOP, 0.0) is said


@given(st.lists(st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6), min_size=1, max_size=50))
def test_whatever_is_heard_probabilities_come_out(heard: list[list[float]]) -> None:
    habit = Habit(LABELS)
    for values in heard:
        said = np.array(values, np.float32) + np.float32(1e-9)
        left = habit.push(said / said.sum(), HOP, PATIENCE)
        assert np.isfinite(left).all()
        assert left.min() >= 0.0
        assert left.sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("labels", [("calm", "tense"), ("one",)])
def test_a_model_without_a_neutral_mood_works(labels: tuple[str, ...]) -> None:
    habit = Habit(labels)
    said = np.full(len(labels), 1 / len(labels), np.float32)
    np.testing.assert_allclose(habit.push(said, HOP, PATIENCE), said, atol=1e-6)


def test_what_was_learned_outlasts_a_gap() -> None:
    decider = Decider(LABELS, Decision(hop=HOP))
    plain = voice("neutral", leaning_to("sad", 2.2))

    def step(time: float) -> str:
        seen = decider.step(Window(time, True, -20.0, None, plain))
        assert seen.smoothed is not None
        return LABELS[int(seen.smoothed.argmax())]

    assert step(0.0) == "sad"
    for number in range(1, 960):
        step(number * HOP)
    decider.stop(240.0)
    assert step(300.0) == "neutral"
