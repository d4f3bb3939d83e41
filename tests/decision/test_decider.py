"""What people rely on: a told mood was really there, lasted, ended, and never flickered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from moodwire.config import Alert, Decision, MoodThresholds
from moodwire.decision.decider import Decider
from moodwire.decision.observation import AlertRaised, MoodChange, Observation, Window

LABELS = ("angry", "happy", "neutral")
HOP = 0.256
PLAIN = Decision(
    habit=0.0, smoothing=0.0, onset_windows=1, onset_votes=1, minimum_duration=0.0, hold=0.0
)
"""Every safeguard off, to look at them one by one."""

Heard = tuple[float, ...] | str | None
"""Probabilities; 'unjudged' speech; None for quiet."""


def sure(label: str, probability: float = 0.9) -> Heard:
    rest = (1.0 - probability) / (len(LABELS) - 1)
    return tuple(probability if each == label else rest for each in LABELS)


def windows(heard: Iterable[Heard], start: float = 50.0) -> list[Window]:
    return [
        Window(
            time=start + number * HOP,
            speech=each is not None,
            level=-20.0 if each else -60.0,
            snr=None,
            probabilities=np.array(each, np.float32) if isinstance(each, tuple) else None,
        )
        for number, each in enumerate(heard, start=1)
    ]


def run(
    heard: Iterable[Heard], settings: Decision, alerts: tuple[Alert, ...] = (), stop: bool = True
) -> list[Observation]:
    decider = Decider(LABELS, settings, alerts)
    shown = windows(heard)
    told = [decider.step(window) for window in shown]
    return [*told, decider.stop(shown[-1].time)] if stop and shown else told


def changes(observations: Iterable[Observation]) -> list[MoodChange]:
    return [c for each in observations for c in each.changes if isinstance(c, MoodChange)]


def alerts_in(observations: Iterable[Observation]) -> list[AlertRaised]:
    return [c for each in observations for c in each.changes if isinstance(c, AlertRaised)]


def story(observations: Iterable[Observation]) -> list[tuple[str, str]]:
    return [(change.change, change.mood) for change in changes(observations)]


probabilities = st.lists(st.floats(0.001, 1.0), min_size=3, max_size=3).map(
    lambda values: tuple(value / sum(values) for value in values)
)
moods = st.sampled_from(LABELS).flatmap(
    lambda label: st.floats(0.4, 1.0).map(lambda probability: sure(label, probability))
)
runs_of = st.tuples(
    st.one_of(moods, moods, probabilities, st.just("unjudged"), st.none()), st.integers(1, 12)
)
streams = st.lists(runs_of, max_size=25).map(
    lambda parts: [heard for heard, count in parts for _ in range(count)]
)
seconds = st.sampled_from([0.0, 0.256, 0.5, 1.0, 2.0, 5.0])
configurations = st.builds(
    lambda enter, gap, smoothing, n, k, minimum, hold, refractory: Decision(
        enter=enter,
        exit=max(0.0, enter - gap),
        smoothing=smoothing,
        onset_windows=n,
        onset_votes=min(k, n),
        minimum_duration=minimum,
        hold=hold,
        refractory=refractory,
        untold=(),
    ),
    st.floats(0.3, 0.9),
    st.floats(0.0, 0.4),
    seconds,
    st.integers(1, 6),
    st.integers(1, 6),
    seconds,
    seconds,
    seconds,
)


@settings(max_examples=300, deadline=None)
@given(streams, configurations)
def test_every_mood_begins_lasts_and_ends_in_this_order(heard: list[Heard], how: Decision) -> None:
    told = changes(run(heard, how))
    assert [change.change for change in told] == ["started", "ended"] * (len(told) // 2)
    ended_at: dict[str, float] = {}
    free = -np.inf
    for began, ended in zip(told[::2], told[1::2], strict=True):
        assert began.mood == ended.mood
        assert ended.time - began.time >= how.minimum_duration - 1e-6
        assert ended.duration >= how.minimum_duration - 1e-6
        assert began.time >= free - 1e-6, "two moods at once"
        assert began.time - ended_at.get(began.mood, -np.inf) >= how.refractory - 1e-6
        ended_at[began.mood] = free = ended.time


@settings(max_examples=150, deadline=None)
@given(streams, configurations)
def test_the_state_shows_what_was_told(heard: list[Heard], how: Decision) -> None:
    """A consumer of the state and one of the events see the same moods."""
    holds: str | None = None
    for seen in run(heard, how):
        for change in seen.changes:
            if isinstance(change, MoodChange):
                holds = change.mood if change.change == "started" else None
        assert (seen.mood if seen.mood in LABELS else None) == holds
        assert (seen.mood == "quiet") == (seen.smoothed is None) == (seen.confidence is None)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), max_size=80), st.floats(0.3, 0.9), st.floats(0.0, 0.3))
def test_a_higher_threshold_never_hears_more(angry: list[float], low: float, more: float) -> None:
    heard = [(p, 0.0, 1.0 - p) for p in angry]
    quick = Decision(habit=0.0, exit=0.3, refractory=0.0, untold=(), smoothing=0.5)
    spoken = []
    for enter in (low, low + more):
        only_angry = MoodThresholds(enter=1.0)
        how = Decision(
            habit=0.0, enter=enter, exit=quick.exit, refractory=0.0, untold=(),
            smoothing=quick.smoothing, per_mood={"neutral": only_angry, "happy": only_angry},
        )  # fmt: skip
        spoken.append({i for i, seen in enumerate(run(heard, how)) if seen.mood == "angry"})
    assert spoken[1] <= spoken[0]


@settings(max_examples=100, deadline=None)
@given(streams, configurations, st.integers(0, 100))
def test_a_pulled_microphone_ends_what_was_told(heard: list[Heard], how: Decision, at: int) -> None:
    told = changes(run(heard[:at], how))
    assert [change.change for change in told].count("started") * 2 == len(told)


def test_one_loud_window_is_no_mood() -> None:
    how = Decision(habit=0.0, smoothing=0.0, onset_windows=4, onset_votes=3, minimum_duration=0.0)
    once = [sure("neutral", 0.4)] * 4 + [sure("angry")] + [sure("neutral", 0.4)] * 8
    assert story(run(once, how)) == []
    assert story(run([sure("angry")] * 2 + [sure("happy", 0.5)] + [sure("angry")], how)) == [
        ("started", "angry"),
        ("ended", "angry"),
    ]


def test_votes_do_not_outlive_a_silence() -> None:
    how = Decision(
        habit=0.0, smoothing=0.0, onset_windows=4, onset_votes=3, minimum_duration=0.0, hold=0.0
    )
    assert story(run([sure("angry")] * 2 + [None] * 10 + [sure("angry")], how)) == []


def test_a_mood_is_told_when_it_has_lasted_and_dated_back_to_its_beginning() -> None:
    how = Decision(habit=0.0, smoothing=0.0, minimum_duration=2.0)
    seen = run([sure("neutral", 0.4)] * 4 + [sure("angry")] * 20, how, stop=False)
    (number,) = [i for i, each in enumerate(seen) if each.changes]
    (began,) = changes(seen)
    first_angry = seen[4].window.time
    assert began.time == first_angry
    assert 2.0 <= seen[number].window.time - first_angry < 2.0 + HOP
    assert seen[number].since == first_angry


def test_hysteresis_keeps_a_wavering_mood_whole() -> None:
    how = Decision(habit=0.0, smoothing=0.0, enter=0.6, exit=0.4, minimum_duration=0.0)
    wavering = [sure("angry", p) for p in (0.7, 0.7, 0.7, 0.45, 0.65, 0.42, 0.7, 0.45, 0.7)]
    assert story(run(wavering, how)) == [("started", "angry"), ("ended", "angry")]
    dropped = changes(run([*wavering, sure("angry", 0.38)], how, stop=False))
    assert dropped[-1].change == "ended"


def test_a_pause_shorter_than_the_hold_does_not_break_a_mood() -> None:
    how = Decision(habit=0.0, smoothing=0.0, minimum_duration=0.0, hold=3.0)
    pause = [None] * 10
    spoken = [sure("angry")] * 6
    assert story(run([*spoken, *pause, *spoken], how)) == [("started", "angry"), ("ended", "angry")]
    quiet = run([*spoken, *[None] * 20], how, stop=False)
    ended = changes(quiet)[-1]
    assert ended.time == quiet[5].window.time, "it ended with the last words, not with the hold"
    assert quiet[-1].mood == "quiet"


def test_words_too_short_to_judge_do_not_keep_a_mood_up() -> None:
    how = Decision(habit=0.0, smoothing=0.0, minimum_duration=0.0, hold=3.0)
    decider = Decider(LABELS, how)
    spoken = windows([sure("angry")] * 6)
    murmur = [replace(w, speech=True) for w in windows([None] * 20, spoken[-1].time)]
    seen = [decider.step(each) for each in [*spoken, *murmur]]
    assert changes(seen)[-1].change == "ended"
    assert seen[-1].mood == "uncertain"


def test_another_mood_takes_over_without_a_gap_or_an_overlap() -> None:
    how = Decision(habit=0.0, smoothing=0.3, minimum_duration=0.5)
    told = changes(run([sure("angry")] * 10 + [sure("happy")] * 10, how))
    assert [(c.change, c.mood) for c in told] == [
        ("started", "angry"),
        ("ended", "angry"),
        ("started", "happy"),
        ("ended", "happy"),
    ]
    assert told[1].time <= told[2].time


def test_the_same_mood_rests_before_it_begins_again() -> None:
    how = Decision(habit=0.0, smoothing=0.0, minimum_duration=0.0, hold=0.0, refractory=4.0)
    burst, pause = [sure("angry")] * 4, [None] * 3
    told = changes(run([*burst, *pause, *burst, *pause], how))
    assert [c.change for c in told] == ["started", "ended"]
    longer = changes(run([*burst, *pause, *[sure("angry")] * 30], how))
    first_end, second_start = longer[1], longer[2]
    assert second_start.time - first_end.time == pytest.approx(4.0, abs=HOP)
    assert second_start.time - first_end.time >= 4.0


def test_what_spoke_for_a_mood_that_ended_does_not_speak_for_the_next() -> None:
    how = Decision(
        habit=0.0,
        smoothing=0.0,
        onset_windows=4,
        onset_votes=3,
        minimum_duration=0.0,
        refractory=0.0,
    )
    dip = sure("angry", 0.3)
    told = changes(run([*[sure("angry")] * 5, dip, *[sure("angry")] * 2, dip], how))
    assert [c.change for c in told] == ["started", "ended"], "two votes are not three of four"


def test_a_mood_ends_with_the_last_words_and_not_with_the_last_window() -> None:
    """Windows are judged for a moment after speech; nobody was angry then any more."""
    how = Decision(habit=0.0, smoothing=0.0, minimum_duration=0.5, hold=1.0)
    decider = Decider(LABELS, how)
    spoken = windows([sure("angry")] * 8)
    after = [replace(w, speech=False) for w in windows([sure("angry")] * 3, spoken[-1].time)]
    silent = windows([None] * 8, after[-1].time)
    told = changes(decider.step(each) for each in [*spoken, *after, *silent])
    assert told[-1].change == "ended"
    assert told[-1].time == spoken[-1].time


def test_a_short_cry_is_told_by_the_windows_after_it() -> None:
    how = Decision(habit=0.0, smoothing=0.0, minimum_duration=0.5)
    decider = Decider(LABELS, how)
    cry = windows([sure("angry")])
    after = [replace(w, speech=False) for w in windows([sure("angry")] * 4, cry[-1].time)]
    told = changes([*map(decider.step, [*cry, *after]), decider.stop(after[-1].time)])
    assert [change.change for change in told] == ["started", "ended"]
    assert told[1].duration == pytest.approx(0.5)


def test_moods_that_both_pass_their_thresholds_do_not_overlap() -> None:
    how = Decision(
        habit=0.0, smoothing=0.0, enter=0.3, exit=0.3, minimum_duration=0.0, refractory=0.0
    )
    mixed = [(0.5, 0.45, 0.05)] * 4 + [(0.45, 0.5, 0.05)] * 3 + [(0.29, 0.61, 0.1)] * 4
    told = changes(run([*mixed, (0.61, 0.29, 0.1), *[(0.61, 0.31, 0.08)] * 8], how))
    for before, behind in pairwise(told):
        assert before.time <= behind.time


def test_between_moods_speech_is_uncertain_and_silence_is_quiet() -> None:
    how = Decision(hold=1.0, enter=0.5, exit=0.4)
    unsure = (0.34, 0.33, 0.33)
    seen = run([None] * 3 + ["unjudged"] * 2 + [unsure] * 8 + [None] * 8, how, stop=False)
    shown = [each.mood for each in seen]
    assert shown[:5] == ["quiet"] * 5
    assert shown[5:13] == ["uncertain"] * 8
    assert shown[13] == "uncertain", "a breath is not yet quiet"
    assert shown[-1] == "quiet"
    assert seen[12].since == seen[5].window.time


@pytest.mark.parametrize("told_first", [True, False])
def test_what_was_told_as_started_is_told_as_ended_and_nothing_else(told_first: bool) -> None:
    """Though what is untold changes in the middle of the mood."""
    silent, talkative = (structs.replace(PLAIN, untold=untold) for untold in (("angry",), ()))
    before, after = (talkative, silent) if told_first else (silent, talkative)
    decider = Decider(LABELS, before)
    shown = windows([sure("angry")] * 8 + [None] * 8)
    seen = [decider.step(window) for window in shown[:6]]
    decider.configure(after, ())
    seen += [decider.step(window) for window in shown[6:]]
    assert story(seen) == ([("started", "angry"), ("ended", "angry")] if told_first else [])


def test_untold_moods_are_shown_but_make_no_events() -> None:
    seen = run([sure("neutral")] * 12, Decision(untold=("neutral",)))
    assert "neutral" in {each.mood for each in seen}
    assert changes(seen) == []


def test_one_mood_can_be_made_harder_to_reach_than_the_others() -> None:
    strict = MoodThresholds(enter=0.95)
    how = Decision(habit=0.0, smoothing=0.0, per_mood={"angry": strict})
    assert story(run([sure("angry")] * 12, how)) == []
    assert story(run([sure("happy")] * 12, how)) == [("started", "happy"), ("ended", "happy")]


def test_what_the_bundle_advises_raises_the_bar_until_the_user_says_otherwise() -> None:
    def heard_with(settings: Decision) -> list[tuple[str, str]]:
        decider = Decider(LABELS, settings, advice={"angry": 0.95})
        return story([decider.step(window) for window in windows([sure("angry")] * 12)])

    assert heard_with(Decision()) == []
    told = heard_with(Decision(per_mood={"angry": MoodThresholds(enter=0.6)}))
    assert told == [("started", "angry")]


def test_new_thresholds_take_effect_without_breaking_what_holds() -> None:
    decider = Decider(LABELS, Decision(habit=0.0, smoothing=0.0))
    spoken = windows([sure("angry", 0.7)] * 20)
    first = [decider.step(window) for window in spoken[:10]]
    decider.configure(Decision(habit=0.0, smoothing=0.0, enter=0.8), ())
    second = [decider.step(window) for window in spoken[10:]]
    assert story(first) == [("started", "angry")]
    assert story(second) == []
    assert second[-1].mood == "angry"


RULE = Alert(name="shouting", moods=["angry"], confidence=0.7, sustained=2.0, cool_down=5.0)


def test_an_alert_needs_its_time_and_rests_afterwards() -> None:
    how = Decision(habit=0.0, smoothing=0.0, minimum_duration=0.0)
    raised = alerts_in(run([sure("angry")] * 60, how, (RULE,)))
    assert [alert.alert for alert in raised] == ["shouting"] * 3
    times = np.array([alert.time for alert in raised])
    assert np.all(np.diff(times) >= RULE.cool_down)
    assert raised[0].sustained >= RULE.sustained
    assert alerts_in(run([sure("angry", 0.65)] * 60, how, (RULE,))) == []
    assert alerts_in(run([sure("happy")] * 60, how, (RULE,))) == []


def test_an_alert_survives_a_breath_but_not_a_change_of_mood() -> None:
    how = Decision(habit=0.0, smoothing=0.0, minimum_duration=0.0, hold=2.0)
    breath = [sure("angry")] * 7 + [None] * 3 + [sure("angry")] * 5
    assert len(alerts_in(run(breath, how, (RULE,)))) == 1
    calmer = [sure("angry")] * 7 + [sure("happy")] * 4 + [sure("angry")] * 7
    assert alerts_in(run(calmer, how, (RULE,))) == []


def test_views_are_shown_together_and_each_has_its_vote() -> None:
    """What only one view hears is no mood, however sure that view is of it."""
    in_turn = (sure("angry", 0.9), sure("neutral", 0.6), sure("neutral", 0.6))
    how = structs.replace(PLAIN, views=(1.0, 0.9, 1.1), onset_windows=3, onset_votes=2, enter=0.5)
    told = run(in_turn * 4, how, stop=False)
    assert story(told) == []
    expected = np.mean(in_turn, axis=0)
    for seen in told[2:]:
        assert seen.smoothed == pytest.approx(expected, abs=1e-6)
    after_silence = run([*in_turn, None, in_turn[0]], how, stop=False)[-1]
    assert after_silence.smoothed == pytest.approx(in_turn[0])


def test_smoothing_lets_old_evidence_go_by_the_clock() -> None:
    """After a long silence the first words speak for themselves."""
    how = Decision(habit=0.0, smoothing=1.0, hold=0.5)
    seen = run([sure("angry")] * 20 + [None] * 40 + [sure("happy")], how, stop=False)
    assert seen[-1].smoothed is not None
    assert seen[-1].smoothed[LABELS.index("happy")] > 0.85
