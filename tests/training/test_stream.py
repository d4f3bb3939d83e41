"""Always-on figures count what people would notice; streams and replays are reproducible."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from moodwire.config import Config, Decision, Gate
from moodwire.decision.observation import AlertRaised, MoodChange, Observation, Window
from moodwire.features import DEFAULT_SPEC
from moodwire.model import load_bundle
from moodwire_training.cli.stream import command
from moodwire_training.folds import read_plan
from moodwire_training.gate.material import ACCEPTANCE, RATE, Recording, recordings
from moodwire_training.gate.scenes import coloured_noise
from moodwire_training.stream import compose
from moodwire_training.stream.compose import Cast, Segment
from moodwire_training.stream.hear import Heard, decide, gated, hear
from moodwire_training.stream.score import goals, score
from moodwire_training.stream.search import GATES, Candidate, describe
from moodwire_training.surroundings import Role, find_surroundings, serves

HOP = 0.25
NOBODY = np.zeros(6, dtype=np.float32)


def showing(*spans: tuple[float, float, str], seconds: float) -> list[Observation]:
    """What a device would tell that shows each mood from its start to its end."""
    told = []
    for time in np.arange(HOP, seconds + 1e-6, HOP):
        mood, since = next(((m, a) for a, b, m in spans if a <= time < b), ("uncertain", time))
        starts = since == time and mood != "uncertain"
        change = MoodChange("started", mood, since, 0.0, 0.9, NOBODY, None, None)
        window = Window(float(time), True, -30.0, 10.0, None)
        told.append(Observation(window, mood, 0.9, None, since, (change,) if starts else ()))
    return told


def truth(kind: compose.Kind, seconds: float, *segments: Segment) -> Heard:
    return Heard(kind, seconds, segments, DEFAULT_SPEC, (), ())


def test_moods_on_noise_are_counted_by_the_hour_and_neutral_is_none() -> None:
    told = showing((10, 12, "angry"), (40, 41, "sad"), (60, 70, "neutral"), seconds=900)
    figures = score([(truth("noise", 900), told)])
    assert figures["noise"]["false_moods_per_hour"] == 8.0
    assert figures["noise"]["started"] == {"angry": 1, "sad": 1}


def test_share_of_plain_speech_in_a_mood_counts_only_while_somebody_speaks() -> None:
    told = showing((10, 15, "happy"), (30, 40, "angry"), seconds=100)
    heard = truth("plain", 100, Segment(5.1, 25.1, "neutral"))
    assert score([(heard, told)])["plain"]["non_neutral_share"] == pytest.approx(0.25, abs=0.01)


def test_a_passage_is_found_by_its_own_mood_while_it_lasts() -> None:
    passages = (
        Segment(10, 16, "angry"),  # found after 2.5 s
        Segment(30, 36, "sad"),  # found after 5 s: late
        Segment(50, 56, "fear"),  # another mood was told
        Segment(70, 76, "happy"),  # shown too late
        Segment(90, 96, "angry"),  # the mood held since long before
    )
    told = showing(
        *((12.5, 20, "angry"), (35, 38, "sad"), (51, 55, "happy"), (78, 80, "happy")),
        (80.25, 97, "angry"),
        seconds=100,
    )
    found = score([(truth("moods", 100, *passages), told)])["moods"]
    assert found["recall"] == 0.4
    assert found["recall_within_4_s"] == 0.2
    assert found["any_mood"]["recall"] == 0.6
    assert found["seconds_to_detect"]["median"] == 3.75
    assert found["recall_by_mood"] == {"angry": 0.5, "fear": 0.0, "happy": 0.0, "sad": 1.0}


def test_a_mood_told_in_a_neutral_passage_is_wrong() -> None:
    told = showing((10, 20, "angry"), (30, 35, "angry"), (50, 55, "sad"), seconds=60)
    passages = (
        Segment(9.9, 19.9, "angry"),
        Segment(29.9, 34.9, "fear"),
        Segment(49.9, 54.9, "neutral"),
    )
    found = score([(truth("moods", 60, *passages), told)])["moods"]
    assert found["risk"] == pytest.approx(1 / 3, abs=0.01)
    assert found["risk_with_neutral"] == pytest.approx(1 / 2, abs=0.01)


def test_an_alert_is_right_in_a_passage_of_its_mood() -> None:
    told = showing(seconds=60)
    for second, mood in ((14, "angry"), (34, "angry"), (55, "sad")):
        place = int(second / HOP) - 1
        alert = AlertRaised(mood, mood, 0.8, float(second), 3.0)
        told[place] = replace(told[place], changes=(alert,))
    passages = Segment(10, 15, "angry"), Segment(30, 35, "fear"), Segment(50, 54.5, "sad")
    found = score([(truth("moods", 60, *passages), told)])["moods"]
    assert found["alerts"] == {"angry": 2, "sad": 1}
    assert found["alerted"] == {"angry": 1.0, "fear": 0.0, "sad": 1.0}
    assert found["alerts_per_hour_of_speech"] == pytest.approx(3 / 14.5 * 3600, abs=0.1)
    plain = score([(truth("plain", 60, Segment(10, 40, "neutral")), told)])["plain"]
    assert plain["alerts_per_hour_of_speech"] == 360.0


def test_goals_say_what_is_reached() -> None:
    figures = {"noise": {"false_moods_per_hour": 0.4}, "moods": {"recall": 0.5}}
    assert [(name, reached) for name, _, _, reached in goals(figures)] == [
        ("noise.false_moods_per_hour", True),
        ("moods.recall", False),
    ]


@pytest.fixture
def cast(tmp_path: Path) -> Cast:
    import soundfile

    def recording(name: str, speaker: str, emotion: str) -> Recording:
        path = tmp_path / f"{name}.wav"
        sound = 0.1 * coloured_noise(np.random.default_rng(len(name)), 2 * RATE)
        soundfile.write(path, sound, RATE)
        return Recording("CREMA-D", path, speaker, emotion)

    return Cast(
        (recording("a", "CRE1082", "angry"), recording("bb", "CRE1082", "neutral")),
        (),
        (recording("1-1-A-36", "", "noise"),),
        (recording("rooms", "", ""),),
    )


def test_only_speakers_kept_for_choices_serve_to_choose_settings(tmp_path: Path) -> None:
    left_out = compose.left_out_by("joint", "1") | compose.left_out_by("development", "1")
    found = [
        Recording(corpus, tmp_path / f"{speaker}.wav", speaker, "angry")
        for corpus, speaker in (
            *(("CREMA-D", "CRE1001"), ("CREMA-D", "CRE1019"), ("CREMA-D", "CRE1082")),
            *(("RAVDESS", "RAV01"), ("RAVDESS", "RAV06")),
        )
    ]
    acted = compose.cast(found, "validation", left_out).acted
    assert {recording.speaker for recording in acted} == {"CRE1019", "RAV06"}


@pytest.mark.data
@pytest.mark.parametrize("role", ["test", "validation"])
def test_no_noise_and_no_room_of_the_streams_was_in_a_training(corpora: Path, role: Role) -> None:
    found = compose.cast(recordings(corpora), role, ACCEPTANCE)
    shipped = read_plan("shipped").training("default")
    heard = {
        Path(clip.path).resolve()
        for kind in ("noise", "rooms")
        for clip in find_surroundings([corpora], kind)
        if serves(clip, shipped.surroundings, evaluation=False)
    }
    for kept in (found.noise, found.rooms):
        assert len(kept) > 10
        assert not heard & {recording.path.resolve() for recording in kept}


def test_streams_are_the_same_for_the_same_seed(cast: Cast) -> None:
    one, same, other = (
        compose.compose(np.random.default_rng(seed), cast, "moods", 60.0) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.samples, same.samples)
    assert one.segments == same.segments
    assert one.segments != other.segments
    assert {s.mood for s in one.segments} == {"angry", "neutral"}
    assert all(a.end < b.start for a, b in zip(one.segments, one.segments[1:], strict=False))


def test_in_a_household_the_same_voices_are_heard_again(tmp_path: Path) -> None:
    found = tuple(
        Recording("CREMA-D", tmp_path / f"{speaker}-{mood}.wav", speaker, mood)
        for speaker in ("CRE1082", "CRE1083", "CRE1084", "CRE1085")
        for mood in ("angry", "neutral")
    )
    homes = [
        compose.household(np.random.default_rng(seed), Cast(found, (), (), ()), 2).acted
        for seed in range(20)
    ]
    pairs = {frozenset(recording.speaker for recording in home) for home in homes}
    assert all(len(pair) == 2 for pair in pairs)
    assert len(pairs) > 1
    assert all(len(home) == 4 for home in homes)


def test_a_replay_decides_as_the_device_did(cast: Cast) -> None:
    """Recorded with an open gate, replayed with the real one: to the letter the same."""
    stream = compose.compose(np.random.default_rng(3), cast, "moods", 20.0)
    bundle, real = load_bundle(), Config(decision=Decision(enter=0.3, exit=0.2))
    twice = [stream, stream]
    first, second = hear(twice, bundle, real)
    opened = Config(gate=Gate(enter=0.0, exit=0.0, minimum_speech=0.0))
    passed = [gated(everything, real.gate) for everything, _ in hear(twice, bundle, opened)]
    for (_, again), (_, told) in zip(
        decide(passed, bundle.labels, real.decision, {}), (first, second), strict=True
    ):
        assert [seen.mood for seen in again] == [seen.mood for seen in told]
        assert [seen.window.speech for seen in again] == [seen.window.speech for seen in told]


def test_a_device_is_used_to_a_voice_until_it_stands_in_another_home() -> None:
    probabilities = np.array([0.1, 0.1, 0.1, 0.1, 0.2, 0.4], np.float32)
    windows = tuple(Window(HOP * n, True, -30.0, 10.0, probabilities) for n in range(1, 400))
    first = Heard("plain", 100.0, (), DEFAULT_SPEC, windows, ())
    homes = [first, first, replace(first, home=1)]
    labels = ("angry", "disgust", "fear", "happy", "neutral", "sad")
    cold, later, elsewhere = (told for _, told in decide(homes, labels, Decision(), {}))
    assert [seen.window.time for seen in later] == pytest.approx([s.window.time for s in cold])
    begins = [told[0].smoothed for told in (cold, later, elsewhere)]
    assert begins[0] is not None and begins[1] is not None
    assert begins[1][5] < begins[0][5] - 0.05, "sad, as it always sounds"
    assert np.array_equal(begins[0], begins[2])


def test_what_a_search_found_can_be_set() -> None:
    """No two candidates read alike: the line names every setting that was tried."""
    noise = {"noise": {"false_moods_per_hour": 0.4}}
    lines = {describe(Candidate(gate, Decision(), {}, noise)) for gate in GATES}
    assert len(lines) == len(GATES)
    assert any("gate enter 0.7 exit 0.2 minimum_speech 0.8 " in line for line in lines)


def test_speakers_that_name_no_training_are_a_mistake_of_usage(tmp_path: Path) -> None:
    shown = CliRunner().invoke(command, ["--data", str(tmp_path), "--speakers", "development"])
    assert shown.exit_code == 2
    assert "'development' is neither `acceptance` nor PLAN/TRAINING" in shown.output
