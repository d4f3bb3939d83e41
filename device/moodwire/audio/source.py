"""The Source protocol: whoever hears gives chunks of mono samples at 16 kHz, with their time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from moodwire.audio.devices import MODEL_RATE as MODEL_RATE
from moodwire.audio.errors import SourceError as SourceError

Samples = NDArray[np.float32]

BLOCK_SECONDS = 0.1
"""Sound that a source gathers before it hands out a chunk."""


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A piece of sound, not to be changed by whoever reads it."""

    samples: Samples
    """One channel at MODEL_RATE, in -1..1, finite."""

    position: int
    """Number of the first sample since the source was opened."""

    time: float
    """Seconds at which the first sample was heard: of the monotonic clock for a live source, else
    since the beginning of the recording."""

    after_gap: bool = False
    """Sound is missing in front of this chunk: what was remembered of the stream is stale."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / MODEL_RATE

    @property
    def end(self) -> float:
        """Seconds at which the sample behind the last one was heard."""
        return self.time + self.seconds


class Source(Protocol):
    """Something that hears. One thread reads it; any thread may look at `finished`."""

    @property
    def name(self) -> str: ...

    @property
    def live(self) -> bool:
        """True if sound that is not read in time is lost; False if it waits, as a file does."""
        ...

    @property
    def finished(self) -> bool:
        """No chunk will come any more: the file ended, or `read` has said what went wrong."""
        ...

    def read(self, timeout: float) -> Chunk | None:
        """The next chunk; None if `timeout` seconds did not bring one, or if it is finished.
        SourceError if the file cannot be read on, or the device went away."""
        ...

    def close(self) -> None:
        """Let go of the file or device; harmless when repeated."""
        ...


def chunks(source: Source) -> Iterator[Chunk]:
    """All chunks until the source is finished."""
    while not source.finished:
        chunk = source.read(1.0)
        if chunk is not None:
            yield chunk


def check_channel(channel: int, channels: int, name: str) -> None:
    """Refuse a channel that is not there; 0 stands for the mix of all."""
    if not 0 <= channel <= channels:
        raise SourceError(f"{name}: channel is {channel}; allowed: 0 (mixes all) to {channels}")


def to_mono(block: NDArray[np.float32], channel: int) -> Samples:
    """(samples, channels) to one clean channel of its own memory; 0 mixes all."""
    if channel:
        mono = block[:, channel - 1].copy()
    elif block.shape[1] == 1:
        mono = block[:, 0].copy()
    else:
        mono = block.mean(axis=1, dtype=np.float32)
    # a float file may hold anything; hardware would have clipped it
    np.nan_to_num(mono, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)
    return np.clip(mono, -1.0, 1.0, out=mono)
