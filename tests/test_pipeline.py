"""The pipeline with a real model whose mood is chosen by the pitch that is played."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import tones
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from numpy.typing import NDArray

from moodwire.audio.source import Chunk, SourceError
from moodwire.config import Config, Decision
from moodwire.decision.observation import MoodChange, Observation
from moodwire.hearing import hear
from moodwire.model import load_bundle
from moodwire.pipeline import Pipeline

Samples = NDArray[np.float32]
RATE = 16_000
START = 1_000.0


def pipeline(config: Config | None = None) -> Pipeline:
    return Pipeline(load_bundle(tones.BUNDLE), config or Config(), scorer=tones.LoudIsSpeech())


def quiet(seconds: float, seed: int = 9) -> Samples:
    noise = np.random.default_rng(seed).normal(scale=1e-3, size=round(seconds * RATE))
    return noise.astype(np.float32)


def scene() -> Samples:
    return np.concatenate(
        (quiet(3), tones.tone("angry", 5), quiet(6), tones.tone("sad", 6), quiet(5))
    )


def run(samples: Samples, cuts: list[int], pipe: Pipeline | None = None) -> list[Observation]:
    pipe = pipe or pipeline()
    edges = [0, *sorted(cut % (len(samples) + 1) for cut in cuts), len(samples)]
    told = []
    for start, end in pairwise(edges):
        told += pipe.push(samples[start:end], START + start / RATE)
    return told + pipe.reset(START + len(samples) / RATE)


def moods(told: list[Observation]) -> list[MoodChange]:
    return [c for each in told for c in each.changes if isinstance(c, MoodChange)]


def test_tones_become_moods_at_their_times() -> None:
    told = run(scene(), [])
    assert [(c.change, c.mood) for c in moods(told)] == [
        ("started", "angry"),
        ("ended", "angry"),
        ("started", "sad"),
        ("ended", "sad"),
    ]
    angry, _, sad, ended = moods(told)
    assert START + 3 < angry.time < START + 5
    assert START + 14 < sad.time < START + 16
    late = Config().gate.hangover + 2 * 0.256  # but not the lingering
    assert START + 20 - 0.3 < ended.time < START + 20 + late
    assert angry.level == pytest.approx(20 * math.log10(0.3 / math.sqrt(2)), abs=0.5)
    assert angry.snr == pytest.approx(46.5, abs=1.0)


def test_windows_are_heard_in_turn_as_from_longer_and_shorter_throats() -> None:
    """At four fifths of each frequency, what sounds at 700 Hz lies nearer to fear's tone."""
    sound = 0.3 * np.sin(2 * np.pi * 700.0 * np.arange(6 * RATE) / RATE).astype(np.float32)

    def seen_at(*views: float) -> Config:
        return Config(decision=Decision(views=views))

    def best(pipe: Pipeline) -> list[str]:
        found = [each.window.probabilities for each in pipe.push(sound, START)]
        return [pipe.labels[int(p.argmax())] for p in found[-6:] if p is not None]

    pipe = pipeline(seen_at(1.25, 0.8))
    first = best(pipe)
    assert first in (["disgust", "fear"] * 3, ["fear", "disgust"] * 3)
    pipe.reset(START + 6)
    assert best(pipe) == first, "begins anew where hearing does"
    pipe.reconfigure(seen_at(0.8))
    assert best(pipe) == ["fear"] * 6


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 25 * RATE), max_size=40))
def test_what_comes_out_does_not_depend_on_how_the_stream_was_cut(cuts: list[int]) -> None:
    def seen(told: list[Observation]) -> list[str]:
        return [repr(each) for each in told]

    assert seen(run(scene(), cuts)) == seen(run(scene(), []))


def test_hops_follow_one_another_and_end_with_the_samples_that_they_were_made_of() -> None:
    told = run(quiet(4), list(range(0, 4 * RATE, 320)))[:-1]
    times = np.array([each.window.time for each in told])
    assert times[0] == pytest.approx(START + 0.256)
    assert np.diff(times) == pytest.approx(0.256)


def test_the_model_sleeps_while_nobody_speaks() -> None:
    pipe = pipeline()
    run(quiet(20), [], pipe)
    assert pipe.inferences == 0
    run(tones.tone("angry", 5), [], pipe)
    assert 10 <= pipe.inferences <= 20


def test_a_gap_ends_the_mood_and_forgets_what_was_heard() -> None:
    """All but the sound of the voices, which habit remembers: without it, all."""
    unused = Config(decision=Decision(habit=0.0))
    pipe = pipeline(unused)
    told = pipe.push(tones.tone("angry", 5), START) + pipe.reset(START + 5)
    assert [(c.change, c.mood) for c in moods(told)] == [("started", "angry"), ("ended", "angry")]
    assert told[-1].mood == "quiet"
    after = pipe.push(scene(), START + 100)
    fresh = pipeline(unused).push(scene(), START + 100)
    assert [repr((each.window, each.mood, each.changes)) for each in after] == [
        repr((each.window, each.mood, each.changes)) for each in fresh
    ]


def test_settings_change_without_losing_what_is_heard() -> None:
    pipe = pipeline()
    first = pipe.push(tones.tone("angry", 4), START)
    config = Config()
    pipe.reconfigure(replace(config, decision=replace(config.decision, enter=0.99, hop=0.5)))
    second = pipe.push(tones.tone("angry", 4), START + 4)
    assert [c.change for c in moods(first + second)] == ["started"]
    assert second[-1].mood == "angry"
    times = [each.window.time for each in second]
    assert np.diff(times[1:]) == pytest.approx(0.496)


def test_sound_that_is_not_numbers_is_silence_and_not_a_crash() -> None:
    broken = tones.tone("angry", 4)
    broken[::7] = np.nan
    broken[::11] = np.inf
    told = run(np.concatenate((broken, scene())), [])
    assert [c.mood for c in moods(told)][-4:] == ["angry", "angry", "sad", "sad"]


def test_one_channel_is_needed() -> None:
    with pytest.raises(ValueError, match="2 dimensions"):
        pipeline().push(np.zeros((2, 100), np.float32), START)


def test_an_unfilled_window_is_one_that_began_with_silence() -> None:
    """The first words after the start are judged as if zeros had been heard before."""
    said, hops = tones.tone("happy", 2.5), 18  # each view as often
    early = run(said, [])
    late = run(np.concatenate((np.zeros(hops * 4096, np.float32), said)), [])[hops:]
    judged = 0
    for first, second in zip(early, late, strict=True):
        assert (first.window.probabilities is None) == (second.window.probabilities is None)
        if first.window.probabilities is not None and second.window.probabilities is not None:
            # one frame apart: the one that straddles the beginning
            assert first.window.probabilities == pytest.approx(
                second.window.probabilities, abs=0.01
            )
            judged += 1
    assert judged >= 4


def test_a_mood_is_ended_when_the_microphone_goes_away() -> None:
    sound = [np.concatenate((quiet(3), tones.tone("angry", 5)))]

    class Pulled:
        name = "mic"
        live = True
        finished = False

        def read(self, timeout: float) -> Chunk | None:
            if not sound:
                raise SourceError("went away")
            return Chunk(sound.pop(), 0, START)

        def close(self) -> None: ...

    told: list[Observation] = []
    with pytest.raises(SourceError, match="went away"):
        for step in hear(pipeline(), Pulled()):
            told += step.told
    assert [c.change for c in moods(told)] == ["started", "ended"]
