"""A sample recording made from nothing: a synthetic voice speaks as if calm, happy, sad and afraid.

For trying things where there is no microphone. The manners were chosen so that the shipped model
has something to say; it proves that the parts work together, and nothing about how well moods of
real people are told apart.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodwire.audio.source import MODEL_RATE, Samples

Track = NDArray[np.float64]

VOWELS: dict[str, tuple[float, float, float]] = {
    "a": (730.0, 1_150.0, 2_500.0),
    "e": (500.0, 1_850.0, 2_550.0),
    "i": (300.0, 2_250.0, 3_000.0),
    "o": (480.0, 900.0, 2_450.0),
    "u": (330.0, 850.0, 2_300.0),
}
"""First three formants in Hz."""

BANDWIDTHS = (80.0, 110.0, 170.0)
PITCH_SMOOTHING, FORMANT_SMOOTHING = 0.06, 0.03  # seconds


@dataclass(frozen=True, slots=True)
class Manner:
    """How something is said."""

    name: str
    pitch: float
    """Mean, Hz."""

    range: float
    """Half of the melody's range, as a share of the pitch."""

    tempo: float
    """Syllables per second."""

    effort: float
    """0 breathy to 1 pressed: loudness and brightness of the voice."""


MANNERS = (
    Manner("neutral", pitch=120.0, range=0.10, tempo=4.2, effort=0.45),
    Manner("happy", pitch=235.0, range=0.70, tempo=6.3, effort=0.46),
    Manner("sad", pitch=83.0, range=0.35, tempo=2.8, effort=0.95),
    Manner("afraid", pitch=260.0, range=0.04, tempo=5.4, effort=0.51),
)

SPOKEN_SECONDS, PAUSE_SECONDS = 7.0, 2.0
SEED = 7


def sample_recording() -> Samples:
    """All manners one after the other, with room noise under and between them."""
    random = np.random.default_rng(SEED)
    pause = np.zeros(round(PAUSE_SECONDS * MODEL_RATE))
    pieces = [pause]
    for manner in MANNERS:
        pieces += [_speak(manner, SPOKEN_SECONDS, random), pause]
    voice = np.concatenate(pieces)
    voice *= 0.7 / np.abs(voice).max()
    return (voice + 3e-4 * random.standard_normal(len(voice))).astype(np.float32)


def write_sample(path: Path) -> None:
    """The recording as a WAV file of 16 bits."""
    samples = np.round(sample_recording() * 32_767).astype("<i2")
    with path.open("wb") as content, wave.open(content, "wb") as file:
        file.setparams((1, 2, MODEL_RATE, len(samples), "NONE", "not compressed"))
        file.writeframes(samples.tobytes())


def _speak(manner: Manner, seconds: float, random: np.random.Generator) -> Track:
    syllables = round(seconds * manner.tempo)
    length = round(seconds * MODEL_RATE)
    place = np.linspace(0.0, syllables, length, endpoint=False)
    number = place.astype(int)
    spot = place - number

    melody = manner.pitch * (1.0 + manner.range * random.uniform(-1.0, 1.0, syllables))
    melody *= np.linspace(1.08, 0.9, syllables)  # the voice falls along a sentence
    pitch = _smooth(melody[number], PITCH_SMOOTHING) * _wobble(length, random)

    vowels = np.array([VOWELS[letter] for letter in random.choice(list(VOWELS), syllables)])
    opening = np.clip(np.sin(np.pi * np.clip((spot - 0.18) / 0.78, 0.0, 1.0)), 0.0, 1.0) ** 0.6
    voiced = opening * (0.3 + 0.7 * random.uniform(0.5, 1.0, syllables)[number])
    source = _glottis(pitch, manner.effort, random) * voiced
    for formant, bandwidth in enumerate(BANDWIDTHS):
        source = _resonate(source, _smooth(vowels[number, formant], FORMANT_SMOOTHING), bandwidth)
    source /= np.sqrt(np.mean(source**2))
    hiss = np.diff(random.standard_normal(length + 1)) * (spot < 0.16) * (number % 3 == 0)
    loudness = 10.0 ** (1.2 * (manner.effort - 1.0))
    return np.asarray(loudness * (source + 0.25 * _smooth(hiss, 2.0 / MODEL_RATE)))


def _glottis(pitch: Track, effort: float, random: np.random.Generator) -> Track:
    """Pulses of air, sharper with more effort, and the breath between them."""
    phase = np.cumsum(pitch / MODEL_RATE) % 1.0
    openness = 0.75 - 0.3 * effort
    inside = np.clip(phase / openness, 0.0, 1.0)
    flow = inside**2 * (1.0 - inside)
    breath = 0.02 * (1.2 - effort) * random.standard_normal(len(pitch))
    return np.diff(flow + breath * (0.3 + flow), prepend=0.0)


def _wobble(length: int, random: np.random.Generator) -> Track:
    """No voice keeps its pitch exactly."""
    steps = random.standard_normal(length // 80 + 2)
    return 1.0 + 0.012 * np.interp(np.arange(length), 80.0 * np.arange(len(steps)), steps)


def _smooth(track: Track, seconds: float) -> Track:
    width = max(1, round(seconds * MODEL_RATE))
    padded = np.pad(track, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.full(width, 1.0 / width), mode="valid")


def _resonate(source: Track, hertz: Track, bandwidth: float) -> Track:
    """A formant whose frequency moves: a second-order resonator with unit gain at 0 Hz."""
    radius = np.exp(-np.pi * bandwidth / MODEL_RATE)
    first = 2.0 * radius * np.cos(2.0 * np.pi * hertz / MODEL_RATE)
    second = -(radius**2)
    gain = 1.0 - first - second
    out = []
    newest = older = 0.0
    for value, factor in zip((gain * source).tolist(), first.tolist(), strict=True):
        newest, older = value + factor * newest + second * older, newest
        out.append(newest)
    return np.array(out)
