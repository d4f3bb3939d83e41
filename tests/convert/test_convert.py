"""From a Keras network to a bundle that the device accepts, and what is refused on the way."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from untrained import LABELS, SHAPE, small_network, write_run

from moodwire.model import Classifier, load_bundle
from moodwire.model.interpreter import OPERATORS, read_graph
from moodwire.model.verify import verify
from moodwire_convert import light_sernet
from moodwire_convert.cli import main
from moodwire_convert.export import ConversionError, Exported, Order, load_network
from moodwire_convert.graph import count
from moodwire_convert.old_runtime import check_old_runtime


def run(folder, out, *options):
    return CliRunner().invoke(main, [str(folder), "--out", str(out), *map(str, options)])


@pytest.fixture(scope="module")
def network():
    pytest.importorskip("tensorflow")
    return small_network()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, network):
    return write_run(tmp_path_factory.mktemp("runs") / "run", network)


@pytest.fixture(scope="module")
def bundle(folder):
    result = run(folder, folder.parent / "bundle", "--validation", folder / "validation.npz")
    assert result.exit_code == 0, result.output
    assert "% agree" in result.stdout
    return verify(folder.parent / "bundle")


def test_the_device_answers_what_keras_answered(bundle, folder, network):
    """Six of nine outputs, from features that are not standardised yet."""
    with np.load(folder / "test_spoken.npz") as content:
        features = content["features"]
    record = json.loads((folder / "model.json").read_text())
    standardised = (features - np.array(record["mean"])) / np.array(record["deviation"])
    exact = np.asarray(network.predict(standardised, verbose=0))[:, : len(bundle.labels)]
    classifier = Classifier(bundle)
    answers = np.stack([classifier.logits(window) for window in features])
    assert list(bundle.labels) == LABELS[:6]
    assert np.corrcoef(answers.ravel(), exact.ravel())[0, 1] > 0.995
    # a step of the int8 output, and what rounding inside the network adds
    assert np.abs(answers - exact).max() < 6 * bundle.manifest.output.scale


def test_the_whole_graph_is_int8_in_kernels_that_agree_everywhere(bundle):
    graph = read_graph(bundle.model)
    assert {operator["op_name"] for operator in graph.operators} <= OPERATORS
    types = {np.dtype(each["dtype"]).name for each in graph.tensors.values()}
    assert types <= {"int8", "int32"}


def test_cost_is_counted_from_the_graph(bundle):
    frames, width = SHAPE
    by_hand = frames * width * 40  # bands
    by_hand += 92 * 20 * 8 * 9 + 46 * 10 * 16 * 9 * 8 + 46 * 10 * 16 * 9 * 16
    by_hand += 16 * 6
    weights = 40 * 40 + 40 + 9 * 8 + 8 + 72 * 16 + 16 + 144 * 16 + 16 + 16 * 6 + 6
    cost = count(bundle.model)
    assert (cost.macs, cost.parameters) == (by_hand, weights)
    assert (bundle.manifest.macs, bundle.manifest.parameters) == (by_hand, weights)


def test_figures_and_licences_are_in_the_manifest(bundle):
    metrics = {metric.name: metric for metric in bundle.manifest.metrics}
    assert metrics["spoken.agreement"].value > 0.9
    assert abs(metrics["spoken.uar_lost_to_int8"].value) < 0.05
    assert metrics["validation.nll_after"].value <= metrics["validation.nll_before"].value
    assert bundle.manifest.temperature != 1.0
    assert [corpus.licence for corpus in bundle.manifest.corpora] == ["ODbL 1.0 / DbCL 1.0"]


def test_a_second_export_gives_the_same_model(folder, bundle, tmp_path):
    for _ in range(2):  # the second takes the first one's place
        again = run(folder, tmp_path / "again", "--card", "open")
        assert again.exit_code == 0
        assert "no temperature was fitted" in again.stdout
    assert verify(tmp_path / "again").model == bundle.model


def test_only_a_bundle_makes_way_for_a_bundle(folder, tmp_path):
    copy = spoil(folder, tmp_path)
    before = sorted(copy.iterdir())
    result = run(copy, copy)
    assert result.exit_code == 1
    assert "holds something that is no bundle" in result.stderr
    assert sorted(copy.iterdir()) == before


def test_what_lies_beside_a_bundle_is_left_alone(folder, bundle, tmp_path, monkeypatch):
    """Under whatever name; and nothing half-written stays there."""
    monkeypatch.setattr(
        "moodwire_convert.convert.export", lambda *_: Exported(bundle.model, {}, {})
    )
    copy = spoil(folder, tmp_path / "from")
    (copy / "test_spoken.npz").unlink()
    places = [tmp_path / name for name in ("mine", "mine.new")]
    for place in reversed(places):
        assert run(copy, place).exit_code == 0
    (tmp_path / "link").symlink_to("mine")
    assert run(copy, tmp_path / "link", "--version", "2").exit_code == 0
    assert load_bundle(places[0]).manifest.version == "2"
    assert run(copy, places[0], "--version", "no such").exit_code == 1
    assert sorted(tmp_path.iterdir()) == [copy.parent, tmp_path / "link", *places]


CARDS = {
    "name": (b'name = "My voices"', "matching regex"),
    "labels": (b'labels = ["sad"]', "length >= 2"),
    "text": (b"\xff", "can't decode"),
}


@pytest.mark.parametrize("case", CARDS)
def test_a_card_that_makes_no_bundle_is_refused_by_its_name(folder, tmp_path, case):
    line, reason = CARDS[case]
    whole = {
        b"name": b'name = "mine"',
        b"labels": b'labels = ["sad", "happy"]',
        b"rest": b'description = ""\nlicence = ""\ncommercial_use = false',
    }
    card = tmp_path / "card.toml"
    card.write_bytes(b"\n".join((whole | {line.partition(b" ")[0]: line}).values()))
    result = run(folder, tmp_path / "out", "--card", card)
    assert result.exit_code == 1
    assert f"card {card}: " in result.stderr and reason in result.stderr


def test_windows_that_were_cut_short_are_refused(folder, tmp_path):
    whole = (folder / "calibration.npz").read_bytes()
    np.save(tmp_path / "one.npy", np.zeros(3))
    for name, content in (("cut", whole[:5000]), ("empty", b""), ("text", b"a,b\n")):
        (tmp_path / name).write_bytes(content)
    for file in tmp_path.iterdir():
        result = run(folder, tmp_path / "out", "--features", file)
        assert f"{file}: not what numpy.savez writes, or cut short" in result.stderr


def test_nobody_passes_for_unheard_whom_training_has_heard(folder, tmp_path):
    heard = spoil(folder, tmp_path, speakers_heard=["CRE1001", "CRE1082"])
    result = run(heard, tmp_path / "out", "--acceptance", tmp_path)
    assert "training heard CRE1082, who is of the acceptance speakers" in result.stderr
    assert not (tmp_path / "out").exists()


def test_windows_in_moods_that_the_bundle_does_not_name_are_left_out(folder, tmp_path):
    copy = spoil(folder, tmp_path)
    with np.load(copy / "test_spoken.npz") as content:
        features = content["features"]
    foreign = np.full(len(features), LABELS.index("calm"))
    np.savez(copy / "test_spoken.npz", features=features, labels=foreign)
    result = run(copy, tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "spoken: none of its windows is in a mood of this bundle" in result.stdout


def spoil(folder, tmp_path, **changes):
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    record = json.loads((copy / "model.json").read_text())
    (copy / "model.json").write_text(json.dumps({**record, **changes}))
    return copy


RECORDS = {
    "corpus without commercial use": (
        {"corpora": [{"name": "RAVDESS", "clips": 1, "speakers": 1}]},
        "allows commercial use, but the network heard RAVDESS",
    ),
    "corpus without known licence": (
        {"corpora": [{"name": "Podcasts", "clips": 1, "speakers": 1}]},
        "licence of corpus 'Podcasts' is not known",
    ),
    "other front end": ({"frontend_hash": "0" * 16}, "another version of the front end"),
    "label is missing": ({"labels": LABELS[1:]}, "wants the label 'angry'"),
    "short mean": ({"mean": [0.0] * 13}, "mean has 13 numbers"),
}


@pytest.mark.parametrize("case", RECORDS)
def test_a_record_that_does_not_fit_is_refused(folder, tmp_path, case):
    changes, reason = RECORDS[case]
    result = run(spoil(folder, tmp_path, **changes), tmp_path / "out", "--card", "open")
    assert result.exit_code == 1
    assert reason in result.stderr
    assert not (tmp_path / "out").exists()


def dense_network(shape, units, bend="relu", activation=None):
    import keras

    inputs = keras.Input(shape)
    x = keras.layers.Activation(bend)(keras.layers.GlobalAveragePooling1D()(inputs))
    return keras.Model(inputs, keras.layers.Dense(units, activation=activation)(x))


@pytest.mark.parametrize(
    ("shape", "units", "activation", "reason"),
    [
        (SHAPE, 9, "softmax", "export logits, not probabilities"),
        ((100, 40), 9, None, r"input is \(100, 40\)"),
        (SHAPE, 8, None, "has 8 outputs, its record names 9 labels"),
    ],
)
def test_a_network_that_the_device_cannot_use_is_refused(
    network, tmp_path, shape, units, activation, reason
):
    dense_network(shape, units, activation=activation).save(tmp_path / "model.keras")
    order = Order(str(tmp_path / "model.keras"), [0, 1], len(LABELS), SHAPE)
    with pytest.raises(ConversionError, match=reason):
        load_network(order)


def test_operators_that_not_every_runtime_has_are_refused(network, tmp_path):
    bent = dense_network(SHAPE, len(LABELS), bend="tanh")
    result = run(write_run(tmp_path / "run", bent), tmp_path / "out")
    assert result.exit_code == 1
    assert "the model uses TANH" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_model_that_grew_too_large_is_refused(folder, bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "moodwire_convert.convert.export", lambda *_: Exported(bundle.model, {}, {})
    )
    result = run(folder, tmp_path / "out", "--largest", "1000")
    assert "at most 1000 are allowed" in result.stderr


OLD_RUNTIME = os.environ.get("MOODWIRE_OLD_RUNTIME", "")


@pytest.mark.skipif(
    not OLD_RUNTIME, reason="MOODWIRE_OLD_RUNTIME=DIR: where to keep tflite-runtime 2.14"
)
def test_the_old_runtime_computes_the_same(bundle):
    for each in (bundle, load_bundle()):
        line = check_old_runtime(Path(OLD_RUNTIME), each.path)
        assert "4 golden windows equal bit for bit" in line


def test_the_rival_has_the_size_that_its_paper_states(network):
    assert round(light_sernet.build().count_params() / 1000) == 463
