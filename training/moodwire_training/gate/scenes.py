"""Scenes that the gate may meet: speech, noise and rooms put together, with the truth beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

from moodwire.features import DEFAULT_SPEC
from moodwire_training.gate.material import Recording, Samples, read

HOP = DEFAULT_SPEC.hop_length
"""Samples per frame of truth."""

SPOKEN_RANGE = 26.0
"""dB under a clip's loud frames within which somebody is still speaking."""

SPOKEN_OVER_FLOOR = 5.0
"""dB that speech stands above the quietest frames of its own clip."""

LEVEL_FRAMES = 3
"""Frames whose power is averaged: in a single one, hiss alone rises that far over its floor."""

PAUSE = 19
"""Frames (0.3 s) of pause within speech that count as speech."""

Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """What is heard, and in which frames somebody speaks."""

    samples: Samples
    spoken: Truth


@dataclass(frozen=True)
class Passage:
    """A clip of speech and where in the scene it begins, in samples."""

    recording: Recording
    start: int


def spoken_frames(samples: Samples) -> Truth:
    """Where a dry recording of one voice holds speech, by its level."""
    count = max(1, len(samples) // HOP)
    power = np.square(samples[: count * HOP]).reshape(count, -1).mean(axis=1)
    level = 10 * np.log10(scipy.ndimage.uniform_filter1d(power, LEVEL_FRAMES) + 1e-10)
    loud, floor = np.percentile(level, (95, 5))
    limit = max(loud - SPOKEN_RANGE, min(floor + SPOKEN_OVER_FLOOR, loud - 10))
    closed = scipy.ndimage.binary_closing(
        np.pad(level > limit, PAUSE), structure=np.ones(PAUSE, bool)
    )[PAUSE:-PAUSE]
    return np.asarray(scipy.ndimage.binary_opening(closed, structure=np.ones(4, bool)))


def voices(passages: Sequence[Passage], length: int, room: Samples | None = None) -> Scene:
    """Speech alone, each passage at the same loudness where it is spoken, in a room or dry."""
    out = np.zeros(length, dtype=np.float32)
    spoken = np.zeros(length // HOP, dtype=bool)
    for passage in passages:
        dry = read(passage.recording.path)[: length - passage.start]
        truth = spoken_frames(dry)
        framed = dry[: len(truth) * HOP].reshape(-1, HOP)
        level = root_mean_square(framed[truth]) + 1e-9
        out[passage.start : passage.start + len(dry)] += dry / level
        here = slice(passage.start // HOP, passage.start // HOP + len(truth))
        spoken[here] |= truth
    if room is not None:
        out = scipy.signal.oaconvolve(out, room)[:length]
        out /= root_mean_square(out[: len(spoken) * HOP].reshape(-1, HOP)[spoken]) + 1e-9
    return Scene(out.astype(np.float32), spoken)


def mixed(scene: Scene, noise: Samples, snr: float, gain: float) -> Scene:
    """`snr` in dB between what is spoken and the sounding part of the noise; `gain` in dB."""
    scale = 10 ** (-snr / 20) / (sounding_level(noise) + 1e-9)
    heard = scene.samples + scale * noise[: len(scene.samples)]
    heard *= 0.1 * 10 ** (gain / 20)
    return replace(scene, samples=np.clip(heard, -1, 1).astype(np.float32))


def sounding_level(noise: Samples) -> float:
    """Root mean square over the parts that are not nearly silent: a bark counts, not the pause."""
    frames = noise[: len(noise) // HOP * HOP].reshape(-1, HOP)
    power = np.square(frames).mean(axis=1)
    return float(np.sqrt(power[power > 1e-3 * power.max()].mean())) if power.max() > 0 else 0.0


def root_mean_square(samples: NDArray[np.floating[Any]]) -> float:
    return float(np.sqrt(np.mean(np.square(samples)))) if samples.size else 0.0


def recorded_noise(rng: np.random.Generator, recording: Recording, length: int) -> Samples:
    """A recording from a random place on, repeated as needed without its digital silence."""
    sound = np.trim_zeros(read(recording.path))
    if not len(sound):
        return np.zeros(length, dtype=np.float32)
    repeats = -(-length // len(sound)) + 1
    start = int(rng.integers(0, len(sound)))
    return np.tile(sound, repeats)[start : start + length]


def coloured_noise(rng: np.random.Generator, length: int) -> Samples:
    """Steady noise with a random tilt, as of fans and microphones."""
    spectrum = rng.standard_normal(length // 2 + 1) + 1j * rng.standard_normal(length // 2 + 1)
    frequency = np.maximum(np.arange(len(spectrum)) / len(spectrum), 2e-3)
    spectrum *= frequency ** rng.uniform(-1.2, 0.4)
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(noise / noise.std(), dtype=np.float32)
