"""Sample formats of pipes, and the WAV header in front of them.

libsndfile wants to seek, which a pipe cannot; and `arecord` writes a length that it does not keep.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from moodwire.audio.source import MODEL_RATE, SourceError

SampleFormat = Literal["u8", "s16", "s24", "s32", "f32", "f64"]

SAMPLE_BYTES: dict[SampleFormat, int] = {
    "u8": 1, "s16": 2, "s24": 3, "s32": 4, "f32": 4, "f64": 8,
}  # fmt: skip

FULL_SCALE: dict[SampleFormat, float] = {
    "u8": 2.0**7, "s16": 2.0**15, "s24": 2.0**31, "s32": 2.0**31, "f32": 1.0, "f64": 1.0,
}  # fmt: skip
"""What a decoded number is divided by; 24 bits are decoded into the upper bytes of 32."""

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
MOST_HEADER_BYTES = 1 << 20
"""Metadata in front of the samples beyond this is taken for nonsense."""


@dataclass(frozen=True, slots=True)
class RawFormat:
    """How the bytes of a pipe become samples; little-endian, channels interleaved."""

    rate: int = MODEL_RATE
    channels: int = 1
    sample: SampleFormat = "s16"

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise SourceError(f"channels is {self.channels}; at least 1 is needed")

    @property
    def frame_bytes(self) -> int:
        return self.channels * SAMPLE_BYTES[self.sample]


def decode(raw: bytes, form: RawFormat) -> NDArray[np.float32]:
    """Whole frames of bytes to (samples, channels) in -1..1."""
    kind = {"u8": "u1", "s16": "<i2", "s24": "u1", "s32": "<i4", "f32": "<f4", "f64": "<f8"}
    numbers = np.frombuffer(raw, kind[form.sample])
    if form.sample == "s24":
        padded = np.zeros((len(raw) // 3, 4), dtype="u1")
        padded[:, 1:] = numbers.reshape(-1, 3)
        numbers = padded.view("<i4")[:, 0]
    with np.errstate(over="ignore"):
        flat = numbers.astype(np.float32)
    if form.sample == "u8":
        flat -= np.float32(128)
    flat /= np.float32(FULL_SCALE[form.sample])
    return flat.reshape(-1, form.channels)


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What stands in front of the samples."""

    size: int
    """Bytes, from `RIFF` to the first sample."""

    form: RawFormat
    sound_bytes: int | None
    """None: the length is unknown."""


def parse_header(content: bytes | bytearray, name: str) -> WavHeader | None:
    """Of what has come so far, from `RIFF` on; None until the first sample could be next."""
    if len(content) < 12:
        return None
    if content[8:12] != b"WAVE":
        raise SourceError(f"{name}: begins like a WAV stream but is none")
    form: RawFormat | None = None
    begin = 12
    while len(content) >= begin + 8:
        kind, length = struct.unpack_from("<4sI", content, begin)
        begin += 8
        if kind == b"data":
            if form is None:
                raise SourceError(f"{name}: the WAV stream has no format in front of its sound")
            unknown = length == 0 or length >= 0x7FFF0000  # what streaming writers put there
            return WavHeader(begin, form, None if unknown else length)
        end = begin + length + length % 2
        if end > MOST_HEADER_BYTES:
            raise SourceError(f"{name}: the WAV header claims {end} bytes; it is damaged")
        if kind == b"fmt " and len(content) >= end:
            form = _format(content[begin:end], name)
        begin = end
    return None


def _format(body: bytes | bytearray, name: str) -> RawFormat:
    if len(body) < 16:
        raise SourceError(f"{name}: the WAV header's format is cut short")
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if tag == EXTENSIBLE and len(body) >= 26:
        tag = struct.unpack("<H", body[24:26])[0]
    kinds: dict[tuple[int, int], SampleFormat] = {
        (PCM, 8): "u8", (PCM, 16): "s16", (PCM, 24): "s24", (PCM, 32): "s32",
        (FLOAT, 32): "f32", (FLOAT, 64): "f64",
    }  # fmt: skip
    sample = kinds.get((tag, bits))
    if sample is None:
        raise SourceError(
            f"{name}: WAV encoding {tag} with {bits} bits; a pipe carries PCM of 8, 16, 24 or "
            "32 bits or float. Convert it, or name the file instead of piping it"
        )
    if channels == 0:
        raise SourceError(f"{name}: the WAV header says 0 channels; at least 1 is needed")
    return RawFormat(rate, channels, sample)
