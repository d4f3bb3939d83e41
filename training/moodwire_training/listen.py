"""Makes what training hears audible: log-mel windows back to sound by Griffin and Lim's method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
from numpy.typing import NDArray

from moodwire.features import FrontendSpec
from moodwire.features.mel import mel_filters
from moodwire_training.augment import Augmenter, Strength, Surroundings
from moodwire_training.material import Material

Floats = NDArray[np.float32]
ITERATIONS = 40

NONE = Strength(
    tempo=(1.0, 1.0),
    warp=0.0,
    visible=1.0,
    room=0.0,
    noise=0.0,
    equaliser=0.0,
    telephone=0.0,
    splice=0.0,
    frequency_masks=0,
    time_masks=0,
    mixup=0.0,
)

EXAMPLES: dict[str, Strength] = {
    "plain": NONE,
    "slower": replace(NONE, tempo=(0.8, 0.8)),
    "faster": replace(NONE, tempo=(1.25, 1.25)),
    "voice": replace(NONE, warp=0.12),
    "shifted": replace(NONE, visible=0.5),
    "room": replace(NONE, room=1.0),
    "noise": replace(NONE, noise=1.0, snr_db=(5.0, 10.0)),
    "rumble": replace(NONE, rumble=1.0, rumble_snr_db=(-10.0, 0.0)),
    "equaliser": replace(NONE, equaliser=0.8),
    "telephone": replace(NONE, telephone=1.0),
    "splice": replace(NONE, splice=1.0),
    "masks": replace(NONE, frequency_masks=2, time_masks=2),
}


def sound_of(spec: FrontendSpec, logmel: Floats, seed: int = 0) -> Floats:
    """Samples whose spectrogram is close to the window's; pitch detail below a band is lost."""
    inverse = np.linalg.pinv(mel_filters(spec))
    magnitude = np.sqrt(np.maximum(np.exp(logmel.astype(np.float64)) @ inverse.T, 0.0)).T
    overlap = spec.frame_length - spec.hop_length
    form = {"window": "hann", "nperseg": spec.frame_length, "noverlap": overlap}
    angle = np.random.default_rng(seed).uniform(-np.pi, np.pi, magnitude.shape)
    samples = np.zeros(0)
    for _ in range(ITERATIONS):
        _, samples = scipy.signal.istft(magnitude * np.exp(1j * angle), **form)
        _, _, spectrum = scipy.signal.stft(samples, **form)
        angle = np.angle(spectrum[:, : magnitude.shape[1]])
    return (0.9 * samples / max(float(np.abs(samples).max()), 1e-9)).astype(np.float32)


def write_examples(
    folder: Path, material: Material, surroundings: Surroundings, rows: Sequence[int], seed: int
) -> list[Path]:
    """One file per augmentation and clip; the same seed gives the same sounds."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, row in enumerate(rows, 1):
        clip = material.store.clips[row]
        neutral = [
            index
            for index, other in enumerate(material.store.clips)
            if other.speaker == clip.speaker and other.emotion == "neutral"
        ]
        partner = neutral[0] if neutral and clip.emotion != "neutral" else -1
        for name, strength in EXAMPLES.items():
            augmenter = Augmenter(material.bank, surroundings, strength, material.spec)
            rng = np.random.default_rng((seed, row))
            logmel = augmenter.windows(rng, np.array([row]), np.array([partner]))
            kept = logmel - logmel.mean()
            augmenter.mask(rng, kept)
            file = folder / f"{number}-{clip.corpus}-{Path(clip.path).stem}-{name}.wav"
            sound = sound_of(material.spec, kept[0] + logmel.mean(), seed)
            soundfile.write(file, sound, material.spec.sample_rate)
            written.append(file)
    return written
