"""Scenes that the gate may meet: speech, noise and rooms put together, with the truth beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

from moodwire_training.gate.material import RATE, Material, Recording, Samples, read

HOP = 256
"""Samples per frame of truth, as in the front end."""

SPOKEN_RANGE = 26.0
"""dB under a clip's loud frames within which somebody is still speaking."""

SPOKEN_OVER_FLOOR = 5.0
"""dB that speech stands above the quietest frames of its own clip."""

CLEAR_OVER_NOISE = 10 ** (-3 / 10)
"""Power of the voice over that of the noise from which a frame of speech can be told."""

ECHO = 10 ** (-25 / 10)
"""Power of a room's echo over that of the voice from which it is an echo, and not yet silence."""

FAINT_DYNAMICS = 15.0
"""dB between loud and quiet frames under which a clip's level does not tell where its voice is."""

PAUSE = 19
"""Frames (0.3 s) of pause within speech that count as speech."""

Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """What is heard, in which frames somebody speaks, and where they do so clearly."""

    samples: Samples
    spoken: Truth
    clear: Truth
    echo: Truth
    """Nobody speaks any more, but the room still does."""


@dataclass(frozen=True)
class Passage:
    """A clip of speech and where in the scene it begins, in samples."""

    recording: Recording
    start: int


def spoken_frames(samples: Samples) -> Truth:
    """Where a dry recording of one voice holds speech, by its level."""
    count = max(1, len(samples) // HOP)
    power = np.square(samples[: count * HOP]).reshape(count, -1).mean(axis=1)
    level = 10 * np.log10(power + 1e-10)
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
    echo = np.zeros_like(spoken)
    if room is not None:
        out = scipy.signal.oaconvolve(out, room)[:length]
        out /= root_mean_square(out[: len(spoken) * HOP].reshape(-1, HOP)[spoken]) + 1e-9
        echo = ~spoken & (_power(out) > ECHO)
    return Scene(out.astype(np.float32), spoken, spoken, echo)


def mixed(scene: Scene, noise: Samples, snr: float, gain: float) -> Scene:
    """`snr` in dB between what is spoken and the sounding part of the noise; `gain` in dB."""
    scale = 10 ** (-snr / 20) / (sounding_level(noise) + 1e-9)
    around = scale * noise[: len(scene.samples)]
    clear = scene.spoken & (_power(scene.samples) > CLEAR_OVER_NOISE * _power(around))
    heard = scene.samples + around
    heard *= 0.1 * 10 ** (gain / 20)
    return replace(scene, samples=np.clip(heard, -1, 1).astype(np.float32), clear=clear)


def _power(samples: Samples) -> Samples:
    """Of every frame."""
    frames = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
    return np.asarray(np.square(frames).mean(axis=1), dtype=np.float32)


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


def event(rng: np.random.Generator, recording: Recording, length: int) -> Samples:
    """A recording that begins somewhere in a quiet scene, and may end in it."""
    out = np.zeros(length, dtype=np.float32)
    sound = np.trim_zeros(read(recording.path))[:length]
    start = int(rng.integers(0, length - len(sound) + 1))
    out[start : start + len(sound)] = sound
    return out


def coloured_noise(rng: np.random.Generator, length: int) -> Samples:
    """Steady noise with a random tilt, as of fans and microphones."""
    spectrum = rng.standard_normal(length // 2 + 1) + 1j * rng.standard_normal(length // 2 + 1)
    frequency = np.maximum(np.arange(len(spectrum)) / len(spectrum), 2e-3)
    spectrum *= frequency ** rng.uniform(-1.2, 0.4)
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def made_up_sound(rng: np.random.Generator, length: int) -> Samples:
    """Beeps, hums, clicks and gusts: harmonics or noise, with an envelope that is not speech's."""
    time = np.arange(length) / RATE
    if rng.random() < 0.5:
        pitch = np.exp(rng.uniform(np.log(60), np.log(3000)))
        glide = 1 + rng.uniform(0, 0.2) * np.sin(2 * np.pi * rng.uniform(0.1, 6) * time)
        phase = 2 * np.pi * np.cumsum(pitch * glide) / RATE
        harmonics = range(1, max(2, min(int(rng.integers(1, 20)), int(7000 / pitch))))
        decay = rng.uniform(0, 2)
        sound = sum(np.sin(k * phase) / k**decay for k in harmonics)
    else:
        sound = coloured_noise(rng, length)
    rate = np.exp(rng.uniform(np.log(0.2), np.log(12)))
    beat = (time * rate + rng.random()) % 1
    envelopes = (
        np.ones(length),
        (beat < rng.uniform(0.05, 0.8)).astype(float),
        np.exp(-beat * rng.uniform(3, 60)),
        0.5 + 0.5 * np.sin(2 * np.pi * beat),
    )
    return np.asarray(sound * envelopes[rng.integers(len(envelopes))], dtype=np.float32)


def made_up_texture(rng: np.random.Generator, samples: Samples) -> Samples:
    """Louder and softer in patches of time and frequency: as water, rustling, sawing are."""
    spectrum = scipy.signal.stft(samples, nperseg=512)[2]
    patches = np.exp(rng.uniform(np.log((2.0, 2.0)), np.log((20.0, len(samples) / RATE * 10))))
    coarse = rng.normal(0.0, rng.uniform(0.5, 2.0), patches.astype(int) + 1)
    rows = np.linspace(0, len(coarse) - 1, spectrum.shape[0])
    columns = np.linspace(0, coarse.shape[1] - 1, spectrum.shape[1])
    fine = scipy.ndimage.map_coordinates(
        coarse, np.meshgrid(rows, columns, indexing="ij", sparse=False), order=1
    )
    textured = scipy.signal.istft(spectrum * np.exp(fine), nperseg=512)[1]
    return np.asarray(textured[: len(samples)], dtype=np.float32)


def made_up_room(rng: np.random.Generator) -> Samples:
    """A direct sound and an exponential tail of noise, 0.15 to 3 s to fall by 60 dB."""
    seconds = np.exp(rng.uniform(np.log(0.15), np.log(3.0)))
    time = np.arange(int(seconds * RATE)) / RATE
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    tail = scipy.signal.lfilter([1.0], [1.0, -rng.uniform(0.0, 0.7)], tail)
    tail *= np.exp(rng.uniform(-2.5, 0.5)) / root_mean_square(tail) / np.sqrt(len(tail))
    tail[0] = 1.0
    return np.asarray(tail, dtype=np.float32)


def random_scene(rng: np.random.Generator, material: Material, seconds: float) -> Scene:
    """Anything from an empty room to talk in a storm."""
    length = int(seconds * RATE) // HOP * HOP
    passages, free = [], int(rng.uniform(0, 0.6) * length)
    while rng.random() < 0.8 and free < length - RATE:
        chosen = _drawn(rng, material.speech_by_corpus)
        passages.append(Passage(chosen, free // HOP * HOP))
        free += len(read(chosen.path)) + int(rng.exponential(1.5) * RATE)
    room = made_up_room(rng) if rng.random() < 0.4 else None
    dry = voices(passages, length, room)
    scene = replace(dry, samples=coloured(rng, dry.samples))
    noise = _random_noise(rng, material, length)
    return mixed(scene, noise, snr=rng.uniform(0, 30), gain=rng.uniform(-35, 10))


def _drawn(rng: np.random.Generator, corpora: Sequence[Sequence[Recording]]) -> Recording:
    """Small corpora are heard more often than their size; what has no clear truth is not."""
    shares = np.sqrt([len(clips) for clips in corpora])
    while True:
        clips = corpora[int(rng.choice(len(corpora), p=shares / shares.sum()))]
        chosen = clips[int(rng.integers(len(clips)))]
        if not is_faint(chosen.path):
            return chosen


@cache
def is_faint(path: Path) -> bool:
    """Whether the noise of a recording hides where in it somebody speaks."""
    level = 10 * np.log10(_power(read(path)) + 1e-10)
    loud, quiet = np.percentile(level, (95, 5))
    return bool(loud - quiet < FAINT_DYNAMICS)


def _random_noise(rng: np.random.Generator, material: Material, length: int) -> Samples:
    base = coloured_noise(rng, length) * np.float32(10 ** rng.uniform(-3, -1))
    kind = rng.random()
    if kind < 0.08:
        return base
    sound = _random_sound(rng, material, length)
    if kind > 0.7:
        sound += np.float32(rng.uniform(0.1, 1)) * _random_sound(rng, material, length)
    return sound + base


def _random_sound(rng: np.random.Generator, material: Material, length: int) -> Samples:
    """One sound as it may be met again: faster or slower, backwards, elsewhere, textured."""
    if rng.random() < 0.25:
        sound = made_up_sound(rng, length)
    else:
        chosen = material.noise[rng.integers(len(material.noise))]
        is_event = rng.random() < 0.4 and len(read(chosen.path)) < length / 1.5
        speed = np.exp(rng.uniform(-0.5, 0.5))
        drawn = (event if is_event else recorded_noise)(rng, chosen, int(length * speed) + 1)
        sound = np.interp(np.arange(length) * speed, np.arange(len(drawn)), drawn)
        sound = sound[::-1] if rng.random() < 0.25 else sound
    if rng.random() < 0.25:
        sound = made_up_texture(rng, sound)
    if rng.random() < 0.2:
        sound = scipy.signal.oaconvolve(sound, made_up_room(rng))[:length]
    sound = coloured(rng, np.asarray(sound, dtype=np.float32))
    return np.asarray(sound / (sounding_level(sound) + 1e-9), dtype=np.float32)


def coloured(rng: np.random.Generator, samples: Samples) -> Samples:
    """Through a random short filter."""
    taps = rng.normal(0, 0.35, 24) * np.exp(-np.arange(24) / 4)
    taps[0] = 1.0
    return np.asarray(scipy.signal.lfilter(taps.astype(np.float32), 1.0, samples), np.float32)
