"""Puts a bundle together on disk, all of it or none."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
from numpy.typing import NDArray

from moodwire.features import FrontendSpec
from moodwire.model import Bundle, load_bundle
from moodwire.model.bundle import join_golden
from moodwire.model.interpreter import Interpreter
from moodwire.model.manifest import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    Corpus,
    FileRecord,
    Manifest,
    Metric,
    Quantisation,
    Standardisation,
    encode_manifest,
)
from moodwire_convert.export import ConversionError
from moodwire_convert.graph import count

GOLDEN_WINDOWS = 4


@dataclass(frozen=True)
class Draft:
    """All that goes into a manifest and cannot be read from the model."""

    name: str
    version: str
    description: str
    licence: str
    labels: list[str]
    spec: FrontendSpec
    standardisation: Standardisation
    corpora: list[Corpus]
    thresholds: dict[str, float] = field(default_factory=dict)
    temperature: float = 1.0
    metrics: list[Metric] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def refuse_to_overwrite(directory: Path) -> None:
    """Only a bundle makes way for a bundle."""
    if (directory / MANIFEST_FILE).is_file() or not directory.exists():
        return
    if not directory.is_dir() or any(directory.iterdir()):
        raise ConversionError(f"{directory} holds something that is no bundle; name another folder")


def write_bundle(directory: Path, draft: Draft, tflite: bytes) -> Bundle:
    """Write, read back, and only then take the place of what was there."""
    content = {MODEL_FILE: tflite, GOLDEN_FILE: _golden(tflite)}
    place = directory.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=place.parent) as scratch:
        made = Path(scratch) / place.name
        made.mkdir()
        for name, data in content.items():
            (made / name).write_bytes(data)
        (made / MANIFEST_FILE).write_bytes(encode_manifest(_manifest(draft, content)))
        load_bundle(made)
        shutil.rmtree(place, ignore_errors=True)
        made.rename(place)
    return load_bundle(place)


def add_metrics(bundle: Bundle, metrics: list[Metric]) -> Bundle:
    """The same model with more figures; of one name, the newer counts."""
    known = {metric.name: metric for metric in [*bundle.manifest.metrics, *metrics]}
    manifest = msgspec.structs.replace(bundle.manifest, metrics=list(known.values()))
    scratch = bundle.path.with_name(f"{bundle.path.name}.manifest")
    scratch.write_bytes(encode_manifest(manifest))
    scratch.replace(bundle.path / MANIFEST_FILE)
    return load_bundle(bundle.path)


def golden_windows(shape: tuple[int, int], count: int = GOLDEN_WINDOWS) -> NDArray[np.int8]:
    """Made-up windows of ever larger swing, the last ones saturated: nobody's voice is in them."""
    random = np.random.default_rng(20)
    drift = random.normal(size=(count, *shape)).cumsum(axis=1)
    drift /= np.abs(drift).max(axis=(1, 2), keepdims=True)
    flutter = random.normal(scale=0.2, size=drift.shape)
    swing = np.geomspace(30.0, 400.0, count)[:, None, None]
    return np.clip(np.rint((drift + flutter) * swing), -128, 127).astype(np.int8)


def _golden(tflite: bytes) -> bytes:
    interpreter = Interpreter(tflite, reference=True)
    _, frames, width = (int(length) for length in interpreter.input["shape"])
    inputs = golden_windows((frames, width))
    outputs = []
    for window in inputs:
        interpreter.feed(window)
        outputs.append(interpreter.run())
    return join_golden(inputs, np.stack(outputs))


def _manifest(draft: Draft, content: dict[str, bytes]) -> Manifest:
    tflite = content[MODEL_FILE]
    cost, interpreter = count(tflite), Interpreter(tflite)
    manifest = Manifest(
        name=draft.name,
        version=draft.version,
        created=datetime.now(UTC).replace(microsecond=0),
        description=draft.description,
        licence=draft.licence,
        labels=draft.labels,
        frontend=draft.spec.to_dict(),
        frontend_hash=draft.spec.hash,
        standardisation=draft.standardisation,
        input=_quantisation(interpreter.input["quantization"]),
        output=_quantisation(interpreter.output["quantization"]),
        temperature=draft.temperature,
        thresholds=draft.thresholds,
        tflite_bytes=len(tflite),
        macs=cost.macs,
        parameters=cost.parameters,
        golden_windows=GOLDEN_WINDOWS,
        files={
            name: FileRecord(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
            for name, data in content.items()
        },
        corpora=draft.corpora,
        metrics=draft.metrics,
        versions=draft.versions,
    )
    # Values are checked by the very reader that the device uses.
    return msgspec.convert(msgspec.to_builtins(manifest), Manifest)


def _quantisation(details: tuple[float, int]) -> Quantisation:
    return Quantisation(scale=float(details[0]), zero_point=int(details[1]))
