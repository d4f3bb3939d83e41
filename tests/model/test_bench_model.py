"""`moodwire bench model` says what it measured, with and without its rival."""

from __future__ import annotations

import json

import tones
from click.testing import CliRunner

from moodwire.benchmarks import model
from moodwire.cli import main


def bench(*options):
    command = ["bench", "model", str(tones.BUNDLE), "--runs", "50", *options]
    return CliRunner().invoke(main, command)


def test_a_rival_is_measured_in_the_same_run():
    result = json.loads(
        bench("--json", "--light-sernet", str(tones.BUNDLE / "model.tflite")).stdout
    )
    assert result["network"]["runs"] == result["light_sernet"]["runs"] == 50
    assert result["light_sernet_tflite_bytes"] == result["tflite_bytes"]
    # the same model against itself: the clock, not the order, decides
    assert 0.2 < result["share_of_light_sernet"] < 5


def test_without_tensorflow_the_rival_is_left_out_and_that_is_said(monkeypatch):
    monkeypatch.setattr(model, "find_spec", lambda name: None)
    result = bench()
    assert result.exit_code == 0
    assert "TensorFlow is not installed here" in result.stderr
    assert "LIGHT-SERNET" not in result.stdout
