"""Fold plans leave whole voices out, cover every row, and refuse to leak."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moodwire_training.clips import Clip
from moodwire_training.folds import (
    LeakError,
    PlanError,
    Split,
    Training,
    acceptance_speakers,
    check_leaks,
    read_plan,
    split,
    stream_speakers,
)

SPEAKERS = {
    "CREMA-D": [f"CRE{number}" for number in range(1001, 1092)],
    "RAVDESS": [f"RAV{number:02d}" for number in range(1, 25)],
    "TESS": ["TESOAF", "TESYAF"],
    "SAVEE": ["SAVDC", "SAVJE", "SAVJK", "SAVKL"],
    "EMO-DB": [f"EMO{n:02d}" for n in (3, 8, 9, 10, 11, 12, 13, 14, 15, 16)],
    "nEMO": [f"NEM{n}0" for n in ("EB", "IC", "KD", "KS", "MK", "MP", "SM", "TP", "WR")],
    "LibriSpeech": ["LS1272", "LS1673"],
}
CLIPS = [
    Clip(corpus, f"{corpus}/{speaker}_{mood}.wav", speaker, mood)
    for corpus, speakers in SPEAKERS.items()
    for speaker in speakers
    for mood in ("neutral", "happy")
]


def test_joint_plan_tests_every_acted_voice_exactly_once() -> None:
    plan = read_plan("joint")
    assert len(plan.trainings) == 6
    tested = [speaker for training in plan.trainings for speaker in training.test]
    acted = {s for corpus, names in SPEAKERS.items() if corpus != "LibriSpeech" for s in names}
    assert sorted(tested) == sorted(acted)


def test_one_speaker_of_each_small_corpus_is_left_out_at_a_time() -> None:
    plan = read_plan("one-out")
    for training in plan.trainings:
        corpora = [speaker[:3] for speaker in training.test]
        assert len(corpora) == len(set(corpora))
    tested = [speaker for training in plan.trainings for speaker in training.test]
    small = {s for name in ("SAVEE", "TESS", "EMO-DB", "nEMO") for s in SPEAKERS[name]}
    assert sorted(tested) == sorted(small)


def test_published_folds_are_kept() -> None:
    plan = read_plan("joint")
    folds = [{s for s in t.test if s.startswith("RAV")} for t in plan.trainings]
    assert {"RAV01", "RAV11", "RAV20", "RAV21"} in folds
    crema = [sorted(s for s in t.test if s.startswith("CRE")) for t in plan.trainings]
    assert [names[0] for names in crema if names] == [
        "CRE1001",
        "CRE1019",
        "CRE1037",
        "CRE1055",
        "CRE1073",
    ]


@pytest.mark.parametrize("name", ["joint", "one-out", "zero-shot", "development", "shipped"])
def test_plans_keep_voices_apart(name: str) -> None:
    plan = read_plan(name)
    for training in plan.trainings:
        parts = split(plan, training, CLIPS)
        heard = {CLIPS[row].speaker for row in parts.train}
        assert heard
        assert not heard & {CLIPS[row].speaker for row in parts.test}
        assert not heard & stream_speakers()
        if name not in ("joint", "one-out"):
            assert not heard & acceptance_speakers()


def test_zero_shot_hears_nobody_of_the_tested_corpus() -> None:
    plan = read_plan("zero-shot")
    parts = split(plan, plan.training("emo-db"), CLIPS)
    assert {CLIPS[row].corpus for row in parts.test} == {"EMO-DB"}
    heard = {CLIPS[row].corpus for row in parts.train}
    assert heard == {"CREMA-D", "RAVDESS", "TESS", "SAVEE"}


def test_open_model_hears_only_what_may_be_sold() -> None:
    plan = read_plan("shipped")
    training = plan.training("open")
    parts = split(plan, training, CLIPS)
    assert {CLIPS[row].corpus for row in parts.train} == {"CREMA-D", "LibriSpeech"}
    assert not {"ESC-50", "EchoThief"} & set(training.surroundings)


def test_refuses_to_train_on_a_leak() -> None:
    training = Training("leaky", ("CRE1001",))
    both = np.array([0, 1])
    with pytest.raises(LeakError, match="speaker CRE1001 is in training and in test"):
        check_leaks(Split(both, both), training, CLIPS)


def test_refuses_the_same_recording_under_another_name() -> None:
    clips = [
        Clip("nEMO", "a.wav", "A", "sad"),
        Clip("nEMO", "b.wav", "B", "sad", duplicate_of="a.wav"),
    ]
    with pytest.raises(LeakError, match=r"b\.wav is also a training recording"):
        check_leaks(Split(np.array([0]), np.array([1])), Training("t", ("B",)), clips)


def test_refuses_to_ship_what_heard_the_acceptance_set() -> None:
    row = next(i for i, clip in enumerate(CLIPS) if clip.speaker == "EMO15")
    training = Training("shipped", (), hold_out_acceptance=True)
    with pytest.raises(LeakError, match="EMO15 belongs to the acceptance set"):
        check_leaks(Split(np.array([row]), np.array([], dtype=int)), training, CLIPS)


def test_random_protocol_is_called_leaky() -> None:
    plan = read_plan("random")
    parts = split(plan, plan.trainings[0], CLIPS)
    assert plan.leaky
    assert "LEAKY" in plan.title
    assert not set(parts.train) & set(parts.test)


def test_names_what_is_wrong_with_a_plan(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\n[[training]]\nname = "1"\ntest = []\ncorpora = ["CREMA"]\n')
    plan = read_plan(str(file))
    with pytest.raises(PlanError, match="plan 'mine': corpus 'CREMA' is unknown; known: CREMA-D"):
        split(plan, plan.trainings[0], CLIPS)
    file.write_text('name = "mine"\n[[training]]\nname = "1"\n')
    with pytest.raises(PlanError, match=r"mine\.toml: a \[\[training\]\] has no 'test'"):
        read_plan(str(file))
    file.write_text('name = "mine"\n[[training]]\nname = "1"\ntest = []\nhold_out = true\n')
    with pytest.raises(PlanError, match=r"\[\[training\]\]: unknown setting 'hold_out'; known: "):
        read_plan(str(file))
    file.write_text('name = "mine"\n[[training]]\nname = "1"\ntest = "ben"\n')
    with pytest.raises(PlanError, match=r"mine\.toml: test is 'ben'; a list is needed"):
        read_plan(str(file))
    file.write_text('name = "mine')
    with pytest.raises(PlanError, match=r"mine\.toml: .*\(at "):
        read_plan(str(file))
    with pytest.raises(
        PlanError, match="no plan 'jiont'; known: acceptance, copies, development, joint"
    ):
        read_plan("jiont")


@pytest.mark.parametrize("name", ["bne", "NEMO", "EMODB", "TESSA", "RAV08-RAV01"])
def test_a_misspelled_voice_is_not_left_in_training(name: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        f'name = "m"\n[[training]]\nname = "1"\ntest = ["{name}"]\ncorpora = ["mine"]\n'
    )
    own = [Clip("mine", "anna.wav", "anna", "happy")]
    plan = read_plan(str(file))
    with pytest.raises(PlanError, match=f"test names '{name}', and no recording is of that"):
        split(plan, plan.trainings[0], own)


def test_plans_may_name_voices_of_corpora_that_are_not_there() -> None:
    own = [Clip("mine", f"{name}.wav", name, "happy") for name in ("anna", "ben")]
    plan = read_plan("joint")
    parts = split(plan, Training("1", ("ben", "SAVDC", "EMO-DB"), ("mine",)), own)
    assert [own[row].speaker for row in parts.test] == ["ben"]
