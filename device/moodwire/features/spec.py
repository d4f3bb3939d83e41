"""The feature contract: every number that training and device must agree on, with a stable hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal, get_args, get_type_hints

Kind = Literal["mfcc", "logmel"]
MelScale = Literal["htk", "slaney"]
Normalisation = Literal["none", "window"]

IMPLEMENTED_VERSION = 1
"""Raised whenever the same numbers in a spec would produce other features."""


class SpecError(ValueError):
    """A front-end spec that this version cannot honour; the message names the field."""


@dataclass(frozen=True)
class FrontendSpec:
    """How samples become features. Frozen beside the model, hashed into its bundle."""

    version: int = IMPLEMENTED_VERSION
    """Version of the front end's arithmetic."""

    sample_rate: int = 16_000
    """Samples per second that the front end is fed."""

    frame_length: int = 512
    """Samples per frame; multiplied by a periodic Hann window."""

    hop_length: int = 256
    """Samples from the start of one frame to the start of the next."""

    fft_length: int = 512
    """FFT length; a shorter frame is zero-padded at its end."""

    mel_scale: MelScale = "htk"
    """Where the bands lie: `htk` (peak 1, no area norm) or `slaney` (area-normalised)."""

    mel_bands: int = 40
    """Number of triangular bands."""

    mel_low_hz: float = 60.0
    """Lower edge of the first band."""

    mel_high_hz: float = 7_800.0
    """Upper edge of the last band."""

    power_floor: float = 1e-8
    """Band power below this counts as this before the natural logarithm (samples in -1..1)."""

    kind: Kind = "mfcc"
    """`logmel` (natural log of band power) or its orthonormal type-II DCT, `mfcc`."""

    coefficients: int = 40
    """How many DCT coefficients are kept; unused for `logmel`."""

    normalisation: Normalisation = "window"
    """`window` makes a window's features independent of its level; `none` leaves them."""

    dynamic_range: float = 10.0
    """Nats kept below a window's loud frames when normalising; quieter cells count as that low."""

    window_frames: int = 184
    """Frames that the model sees at once (184 at a hop of 256 are 2.96 s)."""

    def __post_init__(self) -> None:
        _check_types(self)
        _check_ranges(self)

    @property
    def width(self) -> int:
        """Numbers per frame."""
        return self.coefficients if self.kind == "mfcc" else self.mel_bands

    @property
    def window_samples(self) -> int:
        """Samples that one full window spans."""
        return (self.window_frames - 1) * self.hop_length + self.frame_length

    @property
    def frame_seconds(self) -> float:
        return self.hop_length / self.sample_rate

    @cached_property
    def hash(self) -> str:
        """Sixteen hex digits that change when, and only when, a field's value does."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FrontendSpec:
        """Read a spec from a manifest; unknown and missing names are both refused."""
        names = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - names):
            raise SpecError(f"unknown front-end field {unknown[0]!r}; known: {sorted(names)}")
        if missing := sorted(names - set(values)):
            raise SpecError(f"front-end field {missing[0]!r} is missing")
        return cls(**values)


def _check_types(spec: FrontendSpec) -> None:
    for name, expected in get_type_hints(FrontendSpec).items():
        value = getattr(spec, name)
        if choices := get_args(expected):
            if value not in choices:
                raise SpecError(f"{name} is {value!r}; allowed: {', '.join(choices)}")
        elif expected is float:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise SpecError(f"{name} is {value!r}; a number is needed")
            # 60 and 60.0 must not hash apart
            object.__setattr__(spec, name, float(value))
        elif isinstance(value, bool) or not isinstance(value, int):
            raise SpecError(f"{name} is {value!r}; a whole number is needed")


def _check_ranges(spec: FrontendSpec) -> None:
    nyquist = spec.sample_rate / 2
    allowed: dict[str, tuple[float, float]] = {
        "version": (IMPLEMENTED_VERSION, IMPLEMENTED_VERSION),
        "sample_rate": (4_000, 192_000),
        "frame_length": (16, 16_384),
        "hop_length": (1, spec.frame_length),
        "fft_length": (spec.frame_length, 32_768),
        "mel_bands": (2, 512),
        "mel_low_hz": (0.0, nyquist),
        "mel_high_hz": (spec.mel_low_hz, nyquist),
        "power_floor": (1e-30, 1.0),
        "coefficients": (1, spec.mel_bands),
        "dynamic_range": (1.0, 100.0),
        "window_frames": (1, 10_000),
    }
    for name, (low, high) in allowed.items():
        value = getattr(spec, name)
        if not low <= value <= high:  # also refuses NaN
            raise SpecError(f"{name} is {value}; allowed: {low:g} to {high:g}")
    if spec.mel_high_hz <= spec.mel_low_hz:
        raise SpecError(f"mel_high_hz is {spec.mel_high_hz:g}; it must lie above mel_low_hz")


DEFAULT_SPEC = FrontendSpec()
"""What the shipped models were trained on."""
