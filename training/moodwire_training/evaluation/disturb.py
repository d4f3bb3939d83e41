"""What happens to speech on its way to the microphone, for evaluation: level, noise, rumble, rooms.

Noise and rooms are those that no training heard.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from moodwire.features import DEFAULT_SPEC, MelStream
from moodwire.features.scratch import periodic_hann
from moodwire_training.augment import Augmenter, Strength, Surroundings
from moodwire_training.bank import EXTENT_NATS, FrameBank
from moodwire_training.evaluation.score import Disturbance
from moodwire_training.windows import SILENCE, total_power

Floats = NDArray[np.float32]

NATS_PER_DB = np.log(10) / 10
LEVELS_DB = (-30, -20, -10, 6)
SNRS_DB = (20, 10, 5, 0)
RUMBLES_DB = (0, -10, -20)
"""Of the voice over the rumble."""

RUMBLE_HZ = (20.0, 60.0)
RUMBLE_SECONDS = 60


def disturbances(bank: FrameBank, surroundings: Surroundings) -> dict[str, Disturbance]:
    """By name; `quiet` is no disturbance at all."""
    found: dict[str, Disturbance] = {"quiet": lambda _, logmel: logmel}
    for level in LEVELS_DB:
        found[f"level {level:+d} dB"] = _louder(level)
    if len(surroundings.noise_clips):
        for snr in SNRS_DB:
            found[f"noise {snr} dB"] = _noisy(bank, surroundings, snr)
    for snr in RUMBLES_DB:
        found[f"rumble {snr} dB"] = _rumbling(snr)
    if len(surroundings.decays):
        found["room"] = _reverberant(bank, surroundings)
    return found


def _louder(level_db: float) -> Disturbance:
    gain = np.float32(level_db * NATS_PER_DB)

    def disturb(_: np.random.Generator, logmel: Floats) -> Floats:
        return np.asarray(np.maximum(logmel + gain, SILENCE))

    return disturb


def _noisy(bank: FrameBank, surroundings: Surroundings, snr_db: float) -> Disturbance:
    augmenter = Augmenter(bank, surroundings, Strength())

    def disturb(rng: np.random.Generator, logmel: Floats) -> Floats:
        power = np.exp(logmel)
        noise = augmenter.recorded_noise(rng, len(power))
        wanted = active_power(power) * 10 ** (-snr_db / 10)
        return added(power, noise, wanted / (total_power(noise).mean(axis=1) + 1e-20))

    return disturb


def _rumbling(snr_db: float) -> Disturbance:
    """Over what a car or a fan makes, most of which lies below the lowest band."""

    def disturb(rng: np.random.Generator, logmel: Floats) -> Floats:
        power, rumble = np.exp(logmel), rumble_power()
        starts = rng.integers(0, len(rumble) - power.shape[1], len(power))
        noise = rumble[starts[:, None] + np.arange(power.shape[1])]
        return added(power, noise, active_power(power) * 10 ** (-snr_db / 10))

    return disturb


def added(power: Floats, noise: Floats, gain: Floats) -> Floats:
    """The log-mel of both together, each window's noise with its own gain."""
    return np.asarray(np.log(power + noise * gain[:, None, None]), dtype=np.float32)


@lru_cache(maxsize=1)
def rumble_power() -> Floats:
    """[frames, bands] of noise between 20 and 60 Hz, of which a frame has the power 1 before it
    comes into the bands."""
    spec = DEFAULT_SPEC
    white = np.random.default_rng(0).standard_normal(RUMBLE_SECONDS * spec.sample_rate)
    band = scipy.signal.butter(2, RUMBLE_HZ, "bandpass", fs=spec.sample_rate, output="sos")
    rumble = scipy.signal.sosfilt(band, white)
    rumble /= rumble.std()
    of_one = np.square(periodic_hann(spec.frame_length)).sum() * spec.fft_length / 2
    return np.asarray(np.exp(MelStream(spec).push(rumble)) / of_one, dtype=np.float32)


def active_power(power: Floats) -> Floats:
    """Mean power of the frames in which somebody speaks; pauses don't make speech quieter."""
    total = total_power(power)
    loud = np.quantile(total, 0.97, axis=1, keepdims=True)
    active = total > loud * np.exp(-EXTENT_NATS)
    return np.asarray((total * active).sum(axis=1) / active.sum(axis=1))


def _reverberant(bank: FrameBank, surroundings: Surroundings) -> Disturbance:
    augmenter = Augmenter(bank, surroundings, Strength(room=1.0))

    def disturb(rng: np.random.Generator, logmel: Floats) -> Floats:
        power = np.exp(logmel)
        augmenter.add_rooms(rng, power)
        return np.asarray(np.log(power + np.exp(SILENCE)))

    return disturb
