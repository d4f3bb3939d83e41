"""From a trained network to a checked bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodwire.features import FrontendSpec
from moodwire.model import Bundle
from moodwire.model.interpreter import runtime_package
from moodwire.model.manifest import Metric, Standardisation
from moodwire_convert.calibrate import (
    Comparison,
    Labelled,
    compare,
    fitted_metrics,
    narrow,
)
from moodwire_convert.card import Card, Record, with_licences
from moodwire_convert.export import ConversionError, Exported, export
from moodwire_convert.graph import check_full_int8
from moodwire_convert.write import Draft, refuse_to_overwrite, write_bundle
from moodwire_training.evaluation.bundle import bundle_network
from moodwire_training.evaluation.metrics import fit_temperature

Array = NDArray[np.float32]

VALIDATION = "validation"
LARGEST_TFLITE = 300_000


@dataclass(frozen=True)
class Request:
    network: Path
    card: Card
    record: Record
    version: str
    calibration: Array
    """Windows of training speakers, from which the activations' ranges are read."""
    validation: Labelled | None = None
    """Windows of speakers that were not trained on: the temperature is fitted on them."""
    tests: Mapping[str, Labelled] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)
    """Measured by training; stored as they are."""
    largest: int = LARGEST_TFLITE


@dataclass(frozen=True)
class Converted:
    bundle: Bundle
    comparisons: list[Comparison]
    left_out: list[str]
    """Sets of windows in moods that the bundle does not name."""


def convert(request: Request, directory: Path) -> Converted:
    refuse_to_overwrite(directory)
    outputs = _outputs(request)
    spec = request.record.frontend
    _check_windows("calibration", request.calibration, (spec.window_frames, spec.width))
    _check_standardisation(request.record, spec)
    corpora = with_licences(request.record.corpora, request.card)
    narrowed = {name: narrow(windows, outputs) for name, windows in _sets(request).items()}
    sets = {name: windows for name, windows in narrowed.items() if len(windows)}
    exported = export(
        request.network,
        outputs,
        len(request.record.labels),
        _standardised(request.record, request.calibration),
        {name: _standardised(request.record, each.features) for name, each in sets.items()},
    )
    check_full_int8(exported.tflite)
    if len(exported.tflite) > request.largest:
        raise ConversionError(
            f"the int8 model has {len(exported.tflite)} bytes; at most {request.largest} are "
            "allowed: make the network narrower, or raise --largest"
        )
    draft = Draft(
        name=request.card.name,
        version=request.version,
        description=request.card.description,
        licence=request.card.licence,
        labels=request.card.labels,
        spec=spec,
        standardisation=Standardisation(
            mean=request.record.mean, deviation=request.record.deviation
        ),
        corpora=corpora,
        thresholds=_kept_thresholds(request),
        temperature=request.record.temperature or 1.0,
        versions=_versions(exported),
    )
    measured, comparisons = _measure(draft, exported, sets)
    final = replace(measured, metrics=[*request.metrics, *measured.metrics])
    bundle = write_bundle(directory, final, exported.tflite)
    return Converted(bundle, comparisons, sorted(set(narrowed) - set(sets)))


def _measure(
    draft: Draft, exported: Exported, sets: Mapping[str, Labelled]
) -> tuple[Draft, list[Comparison]]:
    """Fit the temperature where there is a validation set, then set int8 beside float."""
    with tempfile.TemporaryDirectory() as scratch:
        trial = write_bundle(Path(scratch) / "trial", draft, exported.tflite)
        network = bundle_network(trial)
        logits = {name: network(windows.features) for name, windows in sets.items()}
    temperature, metrics = draft.temperature, []
    if VALIDATION in sets:
        answers, truth = logits[VALIDATION], sets[VALIDATION].labels
        temperature = fit_temperature(answers, truth)
        metrics = fitted_metrics(VALIDATION, answers, truth, temperature)
    comparisons = [
        compare(name, windows.labels, exported.float_logits[name], logits[name], temperature)
        for name, windows in sets.items()
    ]
    metrics += [metric for each in comparisons for metric in each.metrics]
    return replace(draft, temperature=temperature, metrics=metrics), comparisons


def _outputs(request: Request) -> list[int]:
    known = request.record.labels
    for label in request.card.labels:
        if label not in known:
            raise ConversionError(
                f"card {request.card.name!r} wants the label {label!r}; "
                f"the network has {', '.join(known)}"
            )
    return [known.index(label) for label in request.card.labels]


def _sets(request: Request) -> dict[str, Labelled]:
    sets = dict(request.tests)
    if request.validation is not None:
        sets[VALIDATION] = request.validation
    spec = request.record.frontend
    for name, windows in sets.items():
        _check_windows(name, windows.features, (spec.window_frames, spec.width))
    return sets


def _check_windows(name: str, features: Array, shape: tuple[int, int]) -> None:
    if features.ndim != 3 or features.shape[1:] != shape or not len(features):
        raise ConversionError(f"{name}: features have shape {features.shape}; (n, *{shape}) needed")
    if not np.isfinite(features).all():
        raise ConversionError(f"{name}: features are not all finite")


def _check_standardisation(record: Record, spec: FrontendSpec) -> None:
    for name in ("mean", "deviation"):
        found = len(getattr(record, name))
        if found != spec.width:
            raise ConversionError(
                f"{name} has {found} numbers; the front end makes {spec.width} per frame"
            )


def _standardised(record: Record, features: Array) -> Array:
    mean, deviation = np.array(record.mean), np.array(record.deviation)
    result: Array = ((features - mean) / deviation).astype(np.float32)
    return result


def _kept_thresholds(request: Request) -> dict[str, float]:
    given = request.record.thresholds
    return {label: value for label, value in given.items() if label in request.card.labels}


def _versions(exported: Exported) -> dict[str, str]:
    names = ("moodwire", "numpy", runtime_package())
    return {**exported.versions, **{name: version(name) for name in names}}
