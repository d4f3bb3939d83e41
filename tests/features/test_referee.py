"""The referee is librosa: the same log-mel within 1e-4 dB, the same MFCC within 1e-3."""

import warnings

import numpy as np
import pytest
import soundfile
from sounds import noise, sine

from moodwire.features import DEFAULT_SPEC, FrontendSpec, MelStream, frames

librosa = pytest.importorskip("librosa")

SPECS = {
    "default": DEFAULT_SPEC,
    "slaney 64": FrontendSpec(
        mel_scale="slaney", mel_bands=64, mel_low_hz=0.0, mel_high_hz=8_000.0, coefficients=20
    ),
    "slaney 128, 1024, 10 ms": FrontendSpec(
        mel_scale="slaney", mel_bands=128, frame_length=1_024, fft_length=1_024, hop_length=160,
        mel_low_hz=20.0, mel_high_hz=7_600.0,
    ),
    "htk 64, 10 ms": FrontendSpec(mel_bands=64, hop_length=160, mel_high_hz=4_000.0),
    "htk 40, 1024": FrontendSpec(frame_length=1_024, fft_length=1_024, coefficients=13),
    "htk 128, 1024, 16 ms": FrontendSpec(
        mel_bands=128, frame_length=1_024, fft_length=1_024, hop_length=256, mel_low_hz=80.0
    ),
    "slaney 40, 25 ms in 512": FrontendSpec(
        mel_scale="slaney", frame_length=400, hop_length=160, mel_low_hz=300.0
    ),
}  # fmt: skip

click = np.zeros(8_000, dtype=np.float32)
click[3_000] = 1.0
SOUNDS = {
    "noise": noise(1.0),
    "faint noise": noise(1.0, amplitude=1e-4),
    "click": click,
    "silence": np.zeros(8_000, dtype=np.float32),
    "square": np.sign(sine(101.3, 1.0, amplitude=1.0) + 1e-6),
    "square 1 kHz": np.sign(sine(1_000.0, 1.0, amplitude=1.0) + 1e-6),
    "hum beside hiss": sine(50.0, 1.0) + noise(1.0, amplitude=1e-4),
}


def logmel_by_librosa(spec, samples):
    if spec.frame_length < spec.fft_length:
        # librosa centres a short window in the FFT, we pad at its end: power is the same
        side = (spec.fft_length - spec.frame_length) // 2
        samples = np.pad(samples, (side, spec.fft_length - spec.frame_length - side))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # empty bands of narrow filters
        power = librosa.feature.melspectrogram(
            y=samples, sr=spec.sample_rate, n_fft=spec.fft_length, hop_length=spec.hop_length,
            win_length=spec.frame_length, window="hann", center=False, power=2.0,
            n_mels=spec.mel_bands, fmin=spec.mel_low_hz, fmax=spec.mel_high_hz,
            htk=spec.mel_scale == "htk", norm="slaney" if spec.mel_scale == "slaney" else None,
        ).T  # fmt: skip
    return np.log(np.maximum(power.astype(np.float64), spec.power_floor))


def check(spec, samples):
    theirs = logmel_by_librosa(spec, samples)
    ours = MelStream(spec).push(samples)
    assert ours.shape == theirs.shape
    decibels = 10.0 / np.log(10.0)
    assert np.abs(ours - theirs).max() * decibels < 1e-4
    expected = librosa.feature.mfcc(S=theirs.T, n_mfcc=spec.coefficients, dct_type=2, norm="ortho")
    assert np.abs(frames(spec, samples) - expected.T).max() < 1e-3


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("sound", SOUNDS.values(), ids=SOUNDS)
def test_made_sounds(spec, sound):
    check(spec, sound)


@pytest.mark.data
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_real_speech(spec, corpora):
    files = [
        file
        for corpus in ("RAVDESS", "SAVEE", "EMO-DB", "CREMA-D")
        for file in sorted((corpora / corpus).rglob("*.opus"))[::150][:4]
    ]
    assert len(files) >= 12
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        assert rate == spec.sample_rate
        check(spec, np.ascontiguousarray(samples[:, 0]))
