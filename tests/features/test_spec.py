"""The contract is refused by name where it cannot be honoured, and hashes the same everywhere."""

import json
import os
import subprocess
import sys

import pytest

from moodwire.features import DEFAULT_SPEC, FrontendSpec, SpecError


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mel_bands": 0}, "mel_bands is 0; allowed: 2 to 512"),
        ({"mel_bands": 40.0}, "mel_bands is 40.0; a whole number is needed"),
        ({"mel_bands": True}, "mel_bands is True; a whole number is needed"),
        ({"hop_length": 513}, "hop_length is 513; allowed: 1 to 512"),
        ({"fft_length": 256}, "fft_length is 256; allowed: 512 to 32768"),
        ({"mel_high_hz": 9_000.0}, "mel_high_hz is 9000.0; allowed: 60 to 8000"),
        ({"mel_high_hz": 60.0}, "mel_high_hz is 60; it must lie above mel_low_hz"),
        ({"mel_low_hz": float("nan")}, "mel_low_hz is nan"),
        ({"power_floor": 0.0}, "power_floor is 0.0; allowed: 1e-30 to 1"),
        ({"power_floor": "1"}, "power_floor is '1'; a number is needed"),
        ({"mel_scale": "bark"}, "mel_scale is 'bark'; allowed: htk, slaney"),
        ({"kind": "plp"}, "kind is 'plp'; allowed: mfcc, logmel"),
        ({"coefficients": 41}, "coefficients is 41; allowed: 1 to 40"),
        ({"version": 2}, "version is 2; allowed: 1 to 1"),
        ({"colour": "red"}, "unknown front-end field 'colour'"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(change, message):
    with pytest.raises(SpecError) as caught:
        FrontendSpec.from_dict({**DEFAULT_SPEC.to_dict(), **change})
    assert str(caught.value).startswith(message)


def test_a_missing_field_is_refused_by_name():
    values = DEFAULT_SPEC.to_dict()
    del values["hop_length"]
    with pytest.raises(SpecError, match="front-end field 'hop_length' is missing"):
        FrontendSpec.from_dict(values)


def test_the_hash_is_what_it_was():
    # changing this number orphans every bundle that was ever made
    assert DEFAULT_SPEC.hash == "93188b61933871f2"


def test_every_field_counts_and_a_whole_float_does_not():
    changed = {
        "sample_rate": 22_050, "frame_length": 500, "hop_length": 160, "fft_length": 1_024,
        "mel_scale": "slaney", "mel_bands": 41, "mel_low_hz": 61, "mel_high_hz": 7_801.0,
        "power_floor": 1e-9, "kind": "logmel", "coefficients": 13, "normalisation": "none",
        "dynamic_range": 9.0, "window_frames": 185,
    }  # fmt: skip
    assert set(changed) == set(DEFAULT_SPEC.to_dict()) - {"version"}
    hashes = {
        FrontendSpec(**{**DEFAULT_SPEC.to_dict(), name: value}).hash
        for name, value in changed.items()
    }
    assert len(hashes | {DEFAULT_SPEC.hash}) == len(changed) + 1
    assert FrontendSpec(mel_low_hz=60).hash == DEFAULT_SPEC.hash


def test_the_hash_depends_neither_on_the_process_nor_on_the_order_of_keys():
    code = (
        "import json, sys; from moodwire.features import FrontendSpec;"
        "print(FrontendSpec.from_dict(json.loads(sys.argv[1])).hash)"
    )
    values = DEFAULT_SPEC.to_dict()
    for seed, order in (("0", sorted(values)), ("1", sorted(values, reverse=True))):
        text = json.dumps({name: values[name] for name in order})
        found = subprocess.run(
            [sys.executable, "-c", code, text], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        assert found == DEFAULT_SPEC.hash


def test_importing_the_features_stays_light():
    code = "import sys, moodwire.features; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"tensorflow", "keras", "librosa", "torch", "scipy", "soundfile", "sounddevice"}
    assert not heavy & set(loaded)
