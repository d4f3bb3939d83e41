"""A bundle that is not exactly what it says is refused, and the reason is told."""

from __future__ import annotations

import json
import os

import pytest
import tones
from hypothesis import given
from hypothesis import strategies as st
from lying_bundles import change_manifest, copy_bundle, replace_file

from moodwire.model import BundleError, load_bundle, shipped_bundles
from moodwire.model.manifest import decode_manifest, encode_manifest
from moodwire.model.verify import verify


@pytest.fixture
def bundle(tmp_path):
    return copy_bundle(tmp_path / "bundle")


def test_a_sound_bundle_is_read_whole():
    bundle = load_bundle(tones.BUNDLE)
    assert bundle.labels == tuple(tones.HERTZ)
    assert bundle.golden_inputs.shape == (4, 184, 40)
    assert bundle.golden_outputs.shape == (4, 6)


@pytest.mark.parametrize("place", shipped_bundles(), ids=lambda place: place.name)
def test_a_shipped_bundle_keeps_its_promises(place):
    bundle = verify(place)
    assert bundle.manifest.tflite_bytes <= 300_000
    assert "neutral" in bundle.labels
    assert bundle.manifest.macs <= 30_000_000
    heard = bundle.manifest.corpora
    assert heard
    if place.name == "open":
        assert all(corpus.commercial_use for corpus in heard)


def test_a_manifest_survives_writing_and_reading():
    content = (tones.BUNDLE / "manifest.json").read_bytes()
    assert encode_manifest(decode_manifest(content)) == content


def put(key, value):
    return lambda manifest: manifest.__setitem__(key, value)


LIES = {
    "format": (put("format", 2), "format is 2; this version reads format 1"),
    "no format": (lambda m: m.pop("format"), "format is missing"),
    "unknown key": (put("run_me", "rm -rf"), "unknown field `run_me`"),
    "missing key": (lambda m: m.pop("labels"), "missing required field `labels`"),
    "other front end": (
        lambda m: m["frontend"].update(hop_length=200),
        "the model was trained on other features",
    ),
    "other sample rate": (
        lambda m: m["frontend"].update(sample_rate=8000, mel_high_hz=3900.0),
        "the device hears 16000",
    ),
    "other arithmetic": (lambda m: m["frontend"].update(version=2), "frontend: version is 2"),
    "front end of the future": (
        lambda m: m["frontend"].update(pitch=True),
        "unknown front-end field 'pitch'",
    ),
    "label twice": (lambda m: m["labels"].__setitem__(0, "sad"), "labels has duplicates"),
    "reserved label": (lambda m: m["labels"].__setitem__(0, "quiet"), "reserved for the device"),
    "label as path": (lambda m: m["labels"].__setitem__(0, "../x"), "labels"),
    "threshold of no label": (put("thresholds", {"joy": 0.5}), "'joy', which is no label"),
    "short mean": (lambda m: m["standardisation"]["mean"].pop(), "mean has 39 numbers"),
    "endless mean": (
        lambda m: m["standardisation"]["mean"].__setitem__(0, 1e300),
        "standardisation",
    ),
    "zero deviation": (
        lambda m: m["standardisation"]["deviation"].__setitem__(0, 0.0),
        "deviation",
    ),
    "negative scale": (lambda m: m["input"].update(scale=-1.0), "input.scale"),
    "fewer labels than outputs": (lambda m: m["labels"].pop(), "golden.bin has"),
    "size": (lambda m: m["files"]["golden.bin"].update(bytes=1), "truncated or replaced"),
    "file outside": (
        lambda m: m["files"].update({"../evil": m["files"]["golden.bin"]}),
        "files lists",
    ),
    "name as path": (put("name", "../../etc/passwd"), "name"),
    "input scale of another model": (
        lambda m: m["input"].update(scale=0.5),
        "input is quantised with scale",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_manifest_is_refused(bundle, lie):
    change, reason = LIES[lie]
    change_manifest(bundle, change)
    with pytest.raises(BundleError) as refusal:
        verify(bundle)
    assert reason in str(refusal.value)


@pytest.mark.parametrize("name", ["model.tflite", "golden.bin"])
@pytest.mark.parametrize("damage", ["truncated", "one bit"])
def test_damage_is_found(bundle, name, damage):
    file = bundle / name
    content = bytearray(file.read_bytes())
    if damage == "truncated":
        del content[-100:]
    else:
        content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleError, match=r"truncated|corrupt"):
        load_bundle(bundle)


def test_golden_windows_of_another_model_are_noticed(bundle):
    golden = bytearray((bundle / "golden.bin").read_bytes())
    golden[-1] ^= 1
    replace_file(bundle, "golden.bin", bytes(golden))
    with pytest.raises(BundleError, match="1 of 4 golden windows"):
        verify(bundle)


@pytest.mark.parametrize("content", [b"", b"not a model at all", b"\0" * 5000])
def test_what_is_no_model_is_refused_even_with_its_hash(bundle, content):
    replace_file(bundle, "model.tflite", content or b"x")
    with pytest.raises(BundleError, match=r"cannot|crashes"):
        verify(bundle)


def test_a_model_that_crashes_the_runtime_does_us_no_harm(bundle):
    """Damage inside a model whose hash is right: refused, or it gives what the golden pairs say."""
    sound = (bundle / "model.tflite").read_bytes()
    refused = 0
    for place in range(len(sound) // 7, len(sound), len(sound) // 7):
        damaged = bytearray(sound)
        damaged[place : place + 16] = b"\xff" * 16
        replace_file(bundle, "model.tflite", bytes(damaged))
        try:
            verify(bundle)
        except BundleError:
            refused += 1
    assert refused >= 3


@pytest.mark.parametrize("name", ["model.tflite", "manifest.json"])
def test_links_and_pipes_are_not_followed(bundle, name):
    file = bundle / name
    aside = file.rename(bundle.parent / name)
    file.symlink_to(aside)
    with pytest.raises(BundleError, match="is a link"):
        load_bundle(bundle)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(BundleError, match="not a regular file"):
        load_bundle(bundle)


def test_too_large_and_too_many_files_are_refused(bundle):
    (bundle / "setup.py").write_text("import os")
    with pytest.raises(BundleError, match=r"holds 'setup\.py'"):
        load_bundle(bundle)
    (bundle / "setup.py").unlink()
    with (bundle / "manifest.json").open("ab") as file:
        file.truncate(1 << 30)
    with pytest.raises(BundleError, match="larger than"):
        load_bundle(bundle)


MANIFEST = json.loads((tones.BUNDLE / "manifest.json").read_text())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(MANIFEST)), JSON)
def test_no_manifest_raises_anything_but_a_reason(key, value):
    try:
        decode_manifest(json.dumps({**MANIFEST, key: value}).encode())
    except BundleError as error:
        assert "manifest.json" in str(error)


@given(st.sampled_from(sorted(MANIFEST["frontend"])), JSON)
def test_no_front_end_raises_anything_but_a_reason(key, value):
    frontend = {**MANIFEST["frontend"], key: value}
    try:
        decode_manifest(json.dumps({**MANIFEST, "frontend": frontend}).encode())
    except BundleError as error:
        assert "manifest.json" in str(error)


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"format":1,"a":' * 9_000, b"\xff", b"1"])
def test_hostile_json_is_refused(content):
    with pytest.raises(BundleError):
        decode_manifest(content)
