"""The classifier on the tone bundle: a real int8 network whose right answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import tones
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lying_bundles import change_manifest, copy_bundle

from moodwire.features import FeatureWindow, MelStream
from moodwire.model import Classifier, golden_mismatches, load_bundle
from moodwire.model.classifier import Quantiser


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(tones.BUNDLE)


def window(bundle, samples):
    held = FeatureWindow(bundle.spec)
    held.append(MelStream(bundle.spec).push(samples))
    return held.features()


@pytest.mark.parametrize("label", tones.HERTZ)
@pytest.mark.parametrize("level", [0.9, 0.003])
def test_every_tone_is_heard_at_any_level(bundle, label, level):
    heard = Classifier(bundle).probabilities(window(bundle, tones.tone(label, 3.0, level)))
    assert bundle.labels[int(heard.argmax())] == label
    assert heard.max() > 0.8
    assert heard.sum() == pytest.approx(1.0, abs=1e-6)
    assert heard.dtype == np.float32


def test_golden_pairs_hold(bundle):
    assert golden_mismatches(bundle) == 0


def test_default_kernels_are_at_most_one_step_from_the_reference(bundle):
    default = Classifier(bundle)
    for window, answer in zip(bundle.golden_inputs, bundle.golden_outputs, strict=True):
        apart = default.run_quantised(window).astype(int) - answer
        assert np.abs(apart).max() <= 1


@given(
    arrays(
        np.float32,
        (184, 40),
        elements=st.floats(-(2.0**99), 2.0**99, width=32),
        fill=st.floats(-300, 300, width=32),
    )
)
@settings(max_examples=50, deadline=None)
def test_quantising_rounds_and_saturates(features):
    bundle = load_bundle(tones.BUNDLE)
    manifest = bundle.manifest
    mean = np.array(manifest.standardisation.mean)
    deviation = np.array(manifest.standardisation.deviation)
    exact = (features - mean) / deviation / manifest.input.scale + manifest.input.zero_point
    stored = Quantiser(manifest, (184, 40))(features)
    assert stored.min() >= -128
    assert stored.max() <= 127
    assert (stored == np.rint(stored)).all()
    # float32 arithmetic may fall on the other side of a half
    assert np.abs(stored - np.clip(exact, -128, 127)).max() <= 0.51


def test_samples_that_are_not_numbers_are_an_error(bundle):
    features = np.zeros((184, 40), dtype=np.float32)
    features[7, 7] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        Classifier(bundle).probabilities(features)


def test_a_window_of_another_length_is_an_error(bundle):
    with pytest.raises(ValueError, match=r"\(184, 40\) is needed"):
        Classifier(bundle).probabilities(np.zeros((100, 40), dtype=np.float32))


def test_temperature_changes_how_sure_it_is_not_what_it_says(bundle, tmp_path):
    copy = copy_bundle(tmp_path / "cooler")
    change_manifest(copy, lambda manifest: manifest.update(temperature=3.0))
    features = window(bundle, tones.tone("happy", 3.0))
    sharp = Classifier(bundle).probabilities(features)
    flat = Classifier(load_bundle(copy)).probabilities(features)
    assert flat.argmax() == sharp.argmax()
    assert flat.max() < sharp.max()
