"""The manifest of a bundle: all that the device must know about a model before it trusts it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from moodwire.audio.devices import MODEL_RATE
from moodwire.events import QUIET, UNCERTAIN
from moodwire.features import FrontendSpec, SpecError
from moodwire.unreadable import UNREADABLE

FORMAT = 1
"""Raised whenever a device that knows the old format would misread the new one."""

MODEL_FILE = "model.tflite"
GOLDEN_FILE = "golden.bin"
MANIFEST_FILE = "manifest.json"

LARGEST_FILE: dict[str, int] = {
    MANIFEST_FILE: 256 * 1024,
    MODEL_FILE: 8 * 1024 * 1024,
    GOLDEN_FILE: 1024 * 1024,
}
"""Every file of a bundle and the most bytes it may have; anything else is refused."""

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Label = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Text = Annotated[str, Meta(max_length=4_000)]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class BundleError(ValueError):
    """A bundle that this device must not run; the message says why."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the manifest; unknown keys are refused."""


class Quantisation(Part, frozen=True, kw_only=True):
    """real = scale * (stored - zero_point)"""

    scale: Annotated[float, Meta(gt=0.0)]
    zero_point: Annotated[int, Meta(ge=-128, le=127)]


class Standardisation(Part, frozen=True, kw_only=True):
    """What the network was trained on: (coefficient - mean) / deviation."""

    mean: Annotated[list[float], Meta(min_length=1, max_length=512)]
    deviation: Annotated[list[Annotated[float, Meta(gt=0.0)]], Meta(min_length=1, max_length=512)]


class FileRecord(Part, frozen=True, kw_only=True):
    bytes: Annotated[int, Meta(ge=1)]
    sha256: Digest


class Corpus(Part, frozen=True, kw_only=True):
    """Recordings that the weights were fitted on."""

    name: Text
    licence: Text
    commercial_use: bool
    clips: Annotated[int, Meta(ge=0)] = 0
    speakers: Annotated[int, Meta(ge=0)] = 0


class Metric(Part, frozen=True, kw_only=True):
    """A measured figure and how it was measured."""

    name: Name
    value: float
    protocol: Text
    low: Annotated[float, Meta(description="Lower end of the 95 % interval")] | None = None
    high: Annotated[float, Meta(description="Upper end of the 95 % interval")] | None = None


class Manifest(Part, frozen=True, kw_only=True):
    """The whole of manifest.json."""

    format: Literal[1] = 1
    name: Name
    version: Name
    created: datetime
    description: Text
    licence: Annotated[str, Meta(max_length=4_000, description="What holds for the weights")]
    labels: Annotated[list[Label], Meta(min_length=2, max_length=64)]
    frontend: dict[str, Any]
    frontend_hash: str
    standardisation: Standardisation
    input: Quantisation
    output: Quantisation
    temperature: Annotated[float, Meta(ge=0.05, le=20.0)] = 1.0
    thresholds: Annotated[
        dict[Label, Share], Meta(description="Enter thresholds that the evaluation recommends")
    ] = {}
    tflite_bytes: Annotated[int, Meta(ge=1)]
    macs: Annotated[int, Meta(ge=1, description="Multiply-adds per window")]
    parameters: Annotated[int, Meta(ge=1)]
    golden_windows: Annotated[int, Meta(ge=1, le=64)]
    files: dict[str, FileRecord]
    corpora: list[Corpus]
    metrics: list[Metric] = []
    versions: dict[str, str] = {}

    @property
    def spec(self) -> FrontendSpec:
        return FrontendSpec.from_dict(self.frontend)


def decode_manifest(content: bytes) -> Manifest:
    """Parse and check all that can be checked without the other files."""
    try:
        raw = msgspec.json.decode(content)
    except UNREADABLE as error:
        raise BundleError(f"{MANIFEST_FILE} is not JSON: {error}") from None
    if isinstance(raw, dict) and raw.get("format") != FORMAT:
        found = raw.get("format", "missing")
        raise BundleError(
            f"{MANIFEST_FILE}: format is {found}; this version reads format {FORMAT}: "
            "install a bundle made for it, or update moodwire"
        )
    try:
        manifest = msgspec.convert(raw, Manifest)
    except msgspec.ValidationError as error:
        raise BundleError(f"{MANIFEST_FILE}: {error}") from None
    _check_frontend(manifest)
    _check_labels(manifest)
    _check_numbers(manifest)
    _check_files(manifest)
    return manifest


def encode_manifest(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def _check_frontend(manifest: Manifest) -> None:
    try:
        spec = manifest.spec
    except SpecError as error:
        raise BundleError(f"{MANIFEST_FILE}: frontend: {error}") from None
    if spec.sample_rate != MODEL_RATE:
        raise BundleError(
            f"{MANIFEST_FILE}: frontend.sample_rate is {spec.sample_rate}; the device hears "
            f"{MODEL_RATE} samples a second"
        )
    if spec.hash != manifest.frontend_hash:
        raise BundleError(
            f"{MANIFEST_FILE}: frontend_hash is {manifest.frontend_hash}, but the front end it "
            f"describes has {spec.hash}: the model was trained on other features"
        )
    for name in ("mean", "deviation"):
        found = len(getattr(manifest.standardisation, name))
        if found != spec.width:
            raise BundleError(
                f"{MANIFEST_FILE}: standardisation.{name} has {found} numbers; "
                f"the front end makes {spec.width} per frame"
            )


def _check_labels(manifest: Manifest) -> None:
    labels = manifest.labels
    if len(set(labels)) != len(labels):
        raise BundleError(f"{MANIFEST_FILE}: labels has duplicates: {', '.join(labels)}")
    if taken := sorted({QUIET, UNCERTAIN} & set(labels)):
        raise BundleError(f"{MANIFEST_FILE}: label {taken[0]!r} is reserved for the device")
    if strange := sorted(set(manifest.thresholds) - set(labels)):
        raise BundleError(f"{MANIFEST_FILE}: thresholds names {strange[0]!r}, which is no label")


def _check_numbers(manifest: Manifest) -> None:
    numbers = {
        "input.scale": manifest.input.scale,
        "output.scale": manifest.output.scale,
        "standardisation.mean": sum(manifest.standardisation.mean),
        "standardisation.deviation": sum(manifest.standardisation.deviation),
    }
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise BundleError(f"{MANIFEST_FILE}: {name} is not finite")


def _check_files(manifest: Manifest) -> None:
    expected = {MODEL_FILE, GOLDEN_FILE}
    if set(manifest.files) != expected:
        raise BundleError(
            f"{MANIFEST_FILE}: files lists {sorted(manifest.files)}; needed: {sorted(expected)}"
        )
    if manifest.files[MODEL_FILE].bytes != manifest.tflite_bytes:
        raise BundleError(f"{MANIFEST_FILE}: tflite_bytes differs from files.{MODEL_FILE}.bytes")
