"""The golden features are true by librosa, and a device that computes otherwise is found out."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import tones

import moodwire
from moodwire.diagnostics import proof
from moodwire.diagnostics.finding import Grade
from moodwire.features import DEFAULT_SPEC, MelStream
from moodwire.model import Classifier, load_bundle


def test_the_golden_spectrogram_is_librosas() -> None:
    spec = DEFAULT_SPEC
    power = librosa.feature.melspectrogram(
        y=proof.probe_sound(),
        sr=spec.sample_rate,
        n_fft=spec.fft_length,
        hop_length=spec.hop_length,
        win_length=spec.frame_length,
        center=False,
        n_mels=spec.mel_bands,
        fmin=spec.mel_low_hz,
        fmax=spec.mel_high_hz,
        htk=spec.mel_scale == "htk",
        norm=None,
    )
    expected = np.log(np.maximum(power.T, spec.power_floor))[:: proof.ROW_STEP]

    with np.load(proof.golden_path()) as golden:
        np.testing.assert_allclose(golden["logmel"], expected, atol=proof.FEATURE_TOLERANCE)


def test_this_machine_passes() -> None:
    findings = [*proof.prove_features(), *proof.prove_model(load_bundle(tones.BUNDLE))]

    assert {finding.grade for finding in findings} == {Grade.FINE}


def test_a_front_end_that_is_slightly_off_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    push = MelStream.push
    monkeypatch.setattr(MelStream, "push", lambda self, samples: push(self, samples) + 0.003)

    grades = {finding.name: finding.grade for finding in proof.prove_features()}

    assert grades["logmel"] is Grade.BROKEN


@pytest.mark.parametrize("name", ["default", "open"])
def test_kernels_that_round_otherwise_are_no_fault(name: str) -> None:
    """By how much they may differ is not a matter of the few windows that a bundle keeps."""
    bundle = load_bundle(Path(moodwire.__file__).parent / "bundles" / name)
    rng = np.random.default_rng(0)
    own, reference = Classifier(bundle), Classifier(bundle, reference=True)
    for window in np.repeat(bundle.golden_inputs, 16, axis=0):
        mixed = rng.permutation(bundle.golden_inputs)[0] // 2 + window // 2
        apart = own.run_quantised(mixed).astype(int) - reference.run_quantised(mixed)
        assert np.abs(apart).max() < proof.KERNEL_TOLERANCE


def test_kernels_that_are_wrong_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Classifier.run_quantised
    monkeypatch.setattr(Classifier, "run_quantised", lambda self, window: -run(self, window))
    monkeypatch.setattr(proof, "golden_mismatches", lambda bundle: 0)

    grades = {
        finding.name: finding.grade for finding in proof.prove_model(load_bundle(tones.BUNDLE))
    }

    assert grades["this processor's kernels"] is Grade.BROKEN
