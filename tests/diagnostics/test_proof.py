"""The golden features are true by librosa, and a device that computes otherwise is found out."""

from pathlib import Path

import librosa
import numpy as np
import pytest

from moodwire.diagnostics import Grade, proof
from moodwire.features import DEFAULT_SPEC, MelStream
from moodwire.model import load_bundle

BUNDLE = Path(__file__).parent.parent / "fixtures/tones"


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
    findings = [*proof.prove_features(), *proof.prove_model(load_bundle(BUNDLE))]

    assert {finding.grade for finding in findings} == {Grade.FINE}


def test_a_front_end_that_is_slightly_off_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    push = MelStream.push
    monkeypatch.setattr(MelStream, "push", lambda self, samples: push(self, samples) + 0.003)

    grades = {finding.name: finding.grade for finding in proof.prove_features()}

    assert grades["logmel"] is Grade.BROKEN
