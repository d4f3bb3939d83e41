"""The shipped files do on the acceptance set what their manifests say."""

from __future__ import annotations

import pytest

from moodwire.model import load_bundle, shipped_bundles
from moodwire_convert.acceptance import measure_acceptance
from moodwire_training.evaluation.record import ACCEPTANCE_METRICS


@pytest.mark.data
@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", shipped_bundles(), ids=lambda place: place.name)
def test_the_shipped_bundle_does_what_its_manifest_says(place, corpora):
    bundle = load_bundle(place)
    stated = {
        metric.name: metric.value
        for metric in bundle.manifest.metrics
        if metric.name.startswith(ACCEPTANCE_METRICS)
    }
    measured = {metric.name: metric.value for metric in measure_acceptance(bundle, [corpora])}
    assert stated, "the manifest states no figures for the acceptance set"
    # Other processors round a few windows otherwise. After a change of the gate, measure anew:
    # python -m moodwire_convert.acceptance device/moodwire/bundles/NAME DATA
    assert measured == pytest.approx(stated, abs=0.01)
