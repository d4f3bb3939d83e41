"""A training that is killed goes on to the same weights; what it leaves can be used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

pytestmark = pytest.mark.timeout(1500)

RECIPE = """
name = "tiny"
steps = 200
batch = 8
width = 0.125
optimizer = "muon"
average = 0.9
bfloat16 = false
corpora = { CREMA-D = 1.0 }
"""


def command(data: Path, plan: Path, work: Path, runs: str) -> list[str]:
    recipe = work / "recipe.toml"
    recipe.write_text(RECIPE)
    start = "from moodwire_training.cli import main; main()"
    return [
        *(sys.executable, "-c", start, "fit", "--recipe", str(recipe), "--plan", str(plan)),
        *("--data", str(data), "--cache", str(work / "cache"), "--workers", "1"),
        *("--runs", str(work / runs)),
    ]


def environment(**others: str) -> dict[str, str]:
    # One thread: sums of floats come in the same order then, also on a busy machine.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONUNBUFFERED": "1", **others}


@pytest.fixture(scope="module")
def finished(
    tiny_corpus: Path, tiny_plan: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A run without interruption, and the folder it shares its cache in."""
    work = tmp_path_factory.mktemp("work")
    done = subprocess.run(
        command(tiny_corpus, tiny_plan, work, "whole"),
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return work / "whole" / "tiny-tiny-1-seed0", work


def weights(run: Path) -> list[np.ndarray]:
    import keras

    model = keras.saving.load_model(run / "model.keras", compile=False)
    return [np.asarray(value) for value in model.get_weights()]


def test_the_card_counts_no_noise_that_is_kept_for_tests() -> None:
    from moodwire_training.clips import Clip
    from moodwire_training.folds import Training
    from moodwire_training.training_run import heard_corpora

    clips = [
        Clip("CREMA-D", "a.wav", "CRE1001", "angry"),
        *(
            Clip("noise", f"noise/ESC-50/{name}.wav", "", "noise", text="ESC-50")
            for name in ("1-100-A-36", "2-200-A-36")
        ),
    ]
    found = heard_corpora(clips, np.array([0]), Training("all", ()))
    assert found == [
        {"name": "CREMA-D", "clips": 1, "speakers": 1},
        {"name": "ESC-50", "clips": 1, "speakers": 0},
    ]


def kill_half_way(line: list[str], env: dict[str, str]) -> None:
    with subprocess.Popen(
        line, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        for text in process.stdout:
            if text.startswith("step    100"):
                process.send_signal(signal.SIGKILL)
                break


def assert_same_weights(one: Path, other: Path) -> None:
    for expected, found in zip(weights(one), weights(other), strict=True):
        assert np.array_equal(expected, found)


def test_killed_training_ends_with_the_same_weights(
    finished: tuple[Path, Path], tiny_corpus: Path, tiny_plan: Path
) -> None:
    whole, work = finished
    killed = work / "killed" / "tiny-tiny-1-seed0"
    line = command(tiny_corpus, tiny_plan, work, "killed")
    kill_half_way(line, environment())
    assert not (killed / "result.json").exists()
    with np.load(killed / "checkpoint.npz") as checkpoint:
        spent = float(checkpoint["seconds"])
    again = subprocess.run(line, env=environment(), check=True, capture_output=True, text=True)
    assert "going on after step 100" in again.stdout
    assert 3600 * json.loads((killed / "result.json").read_text())["hours"] > spent > 0
    assert_same_weights(whole, killed)


def test_it_does_so_where_torch_computes(
    tiny_corpus: Path, tiny_plan: Path, tmp_path: Path
) -> None:
    """Its own dropout is drawn from a state that no checkpoint holds."""
    pytest.importorskip("torch")
    env = environment(KERAS_BACKEND="torch")
    whole, killed = (command(tiny_corpus, tiny_plan, tmp_path, runs) for runs in ("a", "b"))
    kill_half_way(killed, env)
    for line in (whole, killed):
        subprocess.run(line, env=env, check=True, capture_output=True)
    assert_same_weights(*(tmp_path / runs / "tiny-tiny-1-seed0" for runs in ("a", "b")))


def test_two_workers_make_the_same_features_and_folds(
    finished: tuple[Path, Path],
    tiny_corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    distributed = pytest.importorskip("distributed")
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    plan = tmp_path / "tiny.toml"
    plan.write_text(
        'name = "tiny"\n[[training]]\nname = "1"\ntest = ["CRE1004"]\n'
        '[[training]]\nname = "2"\ntest = ["CRE1003"]\n'
    )
    whole, work = finished
    away = tmp_path / "away"
    away.mkdir()
    monkeypatch.chdir(away)  # the workers', while the command is called from tmp_path
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        python, *line = command(tiny_corpus, plan, tmp_path, "spread")
        line = [os.path.relpath(word, tmp_path) if word[0] == "/" else word for word in line]
        done = subprocess.run(
            [python, *line, "--scheduler", cluster.scheduler_address],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    caches = [{file.name for file in (place / "cache").iterdir()} for place in (work, tmp_path)]
    assert caches[0] == caches[1] != set()
    for name in caches[0]:
        with np.load(work / "cache" / name) as one, np.load(tmp_path / "cache" / name) as other:
            assert np.array_equal(one["frames"], other["frames"])
    assert (tmp_path / "spread" / "tiny-tiny-2-seed0" / "result.json").exists()
    assert_same_weights(whole, tmp_path / "spread" / whole.name)


def test_run_says_what_it_heard_and_learned_it(finished: tuple[Path, Path]) -> None:
    run, _ = finished
    card = json.loads((run / "model.json").read_text())
    assert card["speakers_heard"] == ["CRE1001", "CRE1002", "CRE1003"]
    assert card["corpora"] == [{"name": "CREMA-D", "clips": 36, "speakers": 3}]
    result = json.loads((run / "result.json").read_text())
    assert result["rows"]["CREMA-D 6"]["clips"] == 12
    with np.load(run / "calibration.npz") as stored:
        assert stored["features"].shape[1:] == (184, 40)
    with np.load(run / "test_logits.npz") as stored:
        assert "CREMA-D/1004_DFA_ANG_XX" in stored["keys"], "not where it lay on this machine"
    header = (run / "history.csv").read_text().splitlines()
    assert len(header) == 3


def test_another_run_is_not_mixed_into_a_folder(
    finished: tuple[Path, Path], tiny_corpus: Path
) -> None:
    from moodwire_training.fit import fit
    from moodwire_training.folds import Split
    from moodwire_training.material import load_material
    from moodwire_training.recipe import Recipe

    run, work = finished
    material = load_material([tiny_corpus], work / "cache")
    nothing = Split(np.empty(0, np.int64), np.empty(0, np.int64))
    with pytest.raises(ValueError, match="holds a run with another recipe and test and train"):
        fit(material, Recipe("tiny", steps=300), nothing, run)


def test_a_run_killed_after_its_last_step_keeps_the_average(
    finished: tuple[Path, Path], tiny_corpus: Path, tmp_path: Path
) -> None:
    from moodwire_training.fit import fit
    from moodwire_training.folds import Split
    from moodwire_training.material import load_material
    from moodwire_training.recipe import Recipe

    material = load_material([tiny_corpus], finished[1] / "cache")
    recipe = Recipe("tiny", 100, 8, width=0.125, bfloat16=False, corpora={"CREMA-D": 1.0})
    parts = Split(np.arange(len(material.store.clips)), np.empty(0, np.int64))
    whole, again = (fit(material, recipe, parts, tmp_path, lambda _: None) for _ in range(2))
    for expected, found in zip(whole.model.weights, again.model.weights, strict=True):
        assert np.array_equal(np.asarray(expected), np.asarray(found))


def test_from_recordings_to_a_bundle_that_works(
    finished: tuple[Path, Path], tiny_plan: Path, tmp_path: Path
) -> None:
    """fit, evaluate table --record, moodwire-convert: what the documentation promises."""
    from click.testing import CliRunner

    from moodwire.model import Classifier, load_bundle
    from moodwire_training.cli.evaluate import table

    run, _ = finished
    options = ["--recipe", "tiny", "--plan", str(tiny_plan), "--runs", str(run.parent)]
    shown = CliRunner().invoke(table, [*options, "--record", str(run)])
    assert shown.exit_code == 0, shown.output
    assert "CREMA-D 6    UAR" in shown.output
    bundle_folder = tmp_path / "bundle"
    start = "from moodwire_convert.cli import main; main()"
    converted = subprocess.run(
        [sys.executable, "-c", start, str(run), "--card", "default", "--out", str(bundle_folder)],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert converted.returncode == 0, converted.stderr
    bundle = load_bundle(bundle_folder)
    assert bundle.labels == ("angry", "disgust", "fear", "happy", "neutral", "sad")
    with np.load(run / "test_unseen.npz") as stored:
        window = stored["features"][0]
    probabilities = Classifier(bundle).probabilities(window)
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    metrics = {metric.name: metric.value for metric in bundle.manifest.metrics}
    assert "tiny.crema_d_6.uar" in metrics


def test_figures_are_of_this_run_its_bundle_and_its_plan(
    finished: tuple[Path, Path], tiny_corpus: Path, tiny_plan: Path, tmp_path: Path
) -> None:
    from click.testing import CliRunner

    from moodwire.model import shipped_bundles
    from moodwire_training.cli.evaluate import command as evaluate

    run, work = finished
    data = ["--data", str(tiny_corpus), "--cache", str(work / "cache"), "--workers", "1"]

    def trouble(plan: Path, *more: str) -> Result:
        return CliRunner().invoke(
            evaluate, ["trouble", str(run), "--plan", str(plan), *data, *more]
        )

    told = trouble(tiny_plan)
    assert told.exit_code == 0, told.output
    assert "rumble 0 dB" in told.stdout
    stranger = str(shipped_bundles()[0])
    assert "was not made from" in trouble(tiny_plan, "--bundle", stranger).stderr
    changed = tmp_path / "tiny.toml"
    changed.write_text(tiny_plan.read_text().replace("CRE1004", "CRE1003"))
    assert "left other clips out than plan 'tiny' does now" in trouble(changed).stderr


CARD = """
name = "mine"
description = "Made-up voices."
licence = "Public domain."
commercial_use = true
labels = ["angry", "happy", "sad"]
"""

LICENCE = """
[corpora.mine]
licence = "public domain"
commercial_use = true
"""


def test_a_corpus_of_ones_own_becomes_a_bundle(
    tiny_corpus: Path, own_corpus: Path, tmp_path: Path
) -> None:
    """Beside a known corpus; moods that no network names are left out, and said to be."""
    from moodwire.model.verify import verify

    def start(package: str, *words: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-c", f"from {package}.cli import main; main()", *map(str, words)]
        return subprocess.run(line, env=environment(), capture_output=True, text=True)

    runs = tmp_path / "runs"
    recipe, plan, card = (tmp_path / f"{name}.toml" for name in ("recipe", "plan", "card"))
    recipe.write_text(
        'name = "own"\nlike = "smoke"\nbatch = 8\nwidth = 0.125\n'
        "[corpora]\nmine = 0.5\nCREMA-D = 0.5\n"
    )
    plan.write_text(
        'name = "own"\n[[training]]\nname = "1"\ncorpora = ["mine", "CREMA-D"]\ntest = ["cleo"]\n'
    )
    shown = start("moodwire_training", "corpora", own_corpus)
    assert "mine         18 clips, 3 speakers\n" in shown.stdout
    assert shown.stdout.count("emotion 'bored' is unknown") == 6
    data = ["--data", own_corpus, "--data", tiny_corpus, "--cache", tmp_path / "cache"]
    which = ["--recipe", recipe, "--plan", plan, "--runs", runs]
    fitted = start("moodwire_training", "fit", *which, *data, "--workers", 1)
    assert fitted.returncode == 0, fitted.stderr
    assert "60 clips to train on, 6 to test" in fitted.stdout
    assert "  mine 3       UAR" in fitted.stdout
    assert "mine: left out 6, the first: " in fitted.stderr
    run = runs / "own-own-1-seed0"
    which = ["--recipe", "own", "--plan", plan, "--runs", runs]
    table = start("moodwire_training", "evaluate", "table", *which, "--record", run)
    assert "  mine 3       UAR" in table.stdout, table.stderr

    out = tmp_path / "bundle"
    card.write_text(CARD)
    refused = start("moodwire_convert", run, "--card", card, "--out", out)
    assert "licence of corpus 'mine' is not known; write it into your card" in refused.stderr
    card.write_text(CARD + LICENCE)
    converted = start("moodwire_convert", run, "--card", card, "--out", out)
    assert converted.returncode == 0, converted.stderr
    bundle = verify(out)
    assert bundle.labels == ("angry", "happy", "sad")
    heard = {corpus.name: (corpus.licence, corpus.clips) for corpus in bundle.manifest.corpora}
    assert heard["mine"] == ("public domain", 12)
    assert "no temperature was fitted" not in converted.stdout
    assert "own.mine_3.uar" in {metric.name for metric in bundle.manifest.metrics}
