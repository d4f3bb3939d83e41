"""Finished runs become a table, the table a page and a card, and nothing leaky goes unmarked."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from moodwire.model import load_bundle, shipped_bundles
from moodwire_training.cli import evaluate, main
from moodwire_training.clips import Clip
from moodwire_training.evaluation import runs
from moodwire_training.evaluation.crossvalidation import common_temperature, summary
from moodwire_training.evaluation.record import record_results
from moodwire_training.folds import read_plan
from moodwire_training.labels import UNION, indices_of
from moodwire_training.report import model_card, read_results, report_page

MOODS = {"ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral"}


def finished_run(runs: Path, plan: str, training: str, speakers: list[int], right: int) -> None:
    """Two windows per clip; the first `right` moods are heard right, the others as sad."""
    folder = runs / f"default-{plan}-{training}-seed0"
    folder.mkdir(parents=True)
    keys, windows = [], []
    for speaker in speakers:
        for number, (code, mood) in enumerate(MOODS.items()):
            keys.append(f"CREMA-D/{speaker}_DFA_{code}_XX")
            said = mood if number < right else "sad"
            row = np.zeros(len(UNION), np.float32)
            row[UNION.index(said)] = 3.0
            row[UNION.index("boredom")] = 9.0  # not a mood of this row: must not matter
            windows += [row, row]
    owner = np.repeat(np.arange(len(keys)), 2)
    np.savez(folder / "test_logits.npz", owner=owner, windows=np.array(windows), keys=keys)
    facts = {"recipe": "default", "plan": plan, "training": training, "seed": 0, "hours": 0.1}
    (folder / "result.json").write_text(json.dumps(facts))


def test_a_row_is_the_recall_over_the_clips_of_all_folds(tmp_path: Path) -> None:
    finished_run(tmp_path, "joint", "1", [1001, 1002], right=5)
    finished_run(tmp_path, "joint", "2", [1019], right=3)
    table = summary(tmp_path, "default", read_plan("joint"))
    row = table["rows"]["CREMA-D 6"]
    assert [fold["uar"] for fold in row["folds"]] == [1.0, 0.6]
    assert row["uar"] == pytest.approx((1 + 1 + 1 + 2 / 3 + 2 / 3) / 5, abs=1e-4)
    assert table["hours"] == pytest.approx(0.2)
    assert set(table["rows"]) == {"CREMA-D 6"}


def test_a_partial_plan_does_not_pass_for_a_whole_one(tmp_path: Path) -> None:
    for training in "1245":
        finished_run(tmp_path, "joint", training, [1001], right=5)
    table = summary(tmp_path, "default", read_plan("joint"))
    assert table["missing"] == ["3, seed 0", "6, seed 0"]
    for text in (report_page({"joint": table}), model_card({"joint": table}, [])):
        assert "Not finished: 3, seed 0. Not finished: 6, seed 0." in text


def test_speakers_kept_for_acceptance_fit_no_temperature(tmp_path: Path) -> None:
    finished_run(tmp_path, "shipped", "default", [1082], right=5)
    with pytest.raises(ValueError, match="nobody is left to fit a temperature on"):
        summary(tmp_path, "default", read_plan("shipped"))


def test_moods_that_nothing_taught_make_nobody_unsure() -> None:
    """What the network says of them by chance is none of the bundle's business."""
    clips = tuple(Clip("mine", f"{n}.wav", "ben", ("angry", "sad")[n % 2]) for n in range(100))
    windows = np.random.default_rng(1).normal(0.0, 0.5, (100, len(UNION))).astype(np.float32)
    for index, clip in enumerate(clips):
        windows[index, UNION.index(clip.emotion)] += 2.0
    owner = np.arange(100)
    untaught = windows.copy()
    untaught[:, indices_of(("disgust", "fear", "happy", "neutral"))] += 9.0
    one, other = (
        common_temperature([runs.TestedRun("1", 0, 0.0, clips, owner, heard)])
        for heard in (windows, untaught)
    )
    assert one == other < 1


def test_says_what_to_run_first(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="moodwire-train fit --recipe default --plan joint"):
        summary(tmp_path, "default", read_plan("joint"))


def test_bundle_gets_temperature_and_figures(tmp_path: Path) -> None:
    finished_run(tmp_path, "joint", "1", [1001], right=5)
    table = summary(tmp_path, "default", read_plan("joint"))
    run = tmp_path / "shipped"
    run.mkdir()
    (run / "model.json").write_text('{"labels": []}')
    record_results(run, table)
    record_results(run, table)  # again: replaced, not repeated
    assert json.loads((run / "model.json").read_text())["temperature"] == table["temperature"]
    (metric,) = json.loads((run / "metrics.json").read_text())
    assert (metric["name"], metric["value"]) == ("joint.crema_d_6.uar", 1.0)


def test_a_recipe_of_ones_own_is_known_by_its_file(tmp_path: Path) -> None:
    finished_run(tmp_path, "joint", "1", [1001], right=5)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('name = "default"\n')
    options = ["--recipe", str(recipe), "--runs", str(tmp_path)]
    told = CliRunner().invoke(evaluate.command, ["table", *options])
    assert told.stdout.startswith("default, joint, float: trainings 1"), told.output


def test_what_leaks_gives_no_bundle_its_figures(tmp_path: Path) -> None:
    finished_run(tmp_path, "random", "1", [1001], right=5)
    (tmp_path / "model.json").write_text('{"labels": []}')
    with pytest.raises(ValueError, match="plan 'random' leaks"):
        record_results(tmp_path, summary(tmp_path, "default", read_plan("random")))
    assert (tmp_path / "model.json").read_text() == '{"labels": []}'


def test_page_and_card_mark_what_leaks(tmp_path: Path) -> None:
    finished_run(tmp_path / "runs", "random", "1", [1001], right=5)
    results = tmp_path / "results"
    results.mkdir()
    table = summary(tmp_path / "runs", "default", read_plan("random"))
    (results / "random.json").write_text(json.dumps(table))
    (results / "trouble.json").write_text(
        '{"quiet": {"CREMA-D 6": 0.6}, "room": {"CREMA-D 6": 0.5}}'
    )
    found = read_results(results)
    page = report_page(found)
    assert "LEAKY" in page and "LEAKY" in model_card(found, [])
    assert "data:image/png;base64" in page
    assert 'src="http' not in page


def test_a_stream_without_an_angry_passage_has_a_page(tmp_path: Path) -> None:
    figures = {"moods": {"passages": 2, "alerted": {"sad": 0.5}}}
    stream = {"command": "moodwire-train stream --minutes 1", "model": "mine", "figures": figures}
    assert "emotional passages" in report_page({"stream": stream})


def test_says_what_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results.json").write_text("{}")
    line = ["moodwire-train", "report", "--results", str(tmp_path), "--card", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", line)
    for name in ("TF_CPP_MIN_LOG_LEVEL", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    with pytest.raises(SystemExit, match="1"):
        main()
    assert f"moodwire-train: [Errno 21] Is a directory: '{tmp_path}'" in capsys.readouterr().err


def test_the_card_says_what_ships_as_it_is() -> None:
    """`moodwire-train report --card training/MODEL_CARD.md` writes it."""
    top = Path(__file__).parents[2] / "training"
    bundles = [load_bundle(place).manifest for place in shipped_bundles()]
    results = read_results(top / "results")
    card = model_card(results, bundles)
    for name, table in results.items():
        assert (f"({name}.json)" in card) == ("experiments" not in table), name
    assert (top / "MODEL_CARD.md").read_text(encoding="utf-8") == card
    for corpus in bundles[0].corpora:
        assert f"| {corpus.name} | {corpus.licence} |" in card
