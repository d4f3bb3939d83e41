"""Augmentation on windows of log-mel frames, a whole batch at a time.

Everything a room, a microphone or another throat does to speech has a cheap likeness on log-mel
power: noise adds, a room smears in time, a tract stretches the frequency axis. Working there
instead of on samples makes a batch cost milliseconds, so that augmentation can be strong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from moodwire.features import DEFAULT_SPEC, FrontendSpec, warp_matrix
from moodwire_training.bank import FrameBank
from moodwire_training.windows import SILENCE, total_power

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

STEADY_RUMBLE = 0.3
"""Beside what flutters, whose mean is 1."""


@dataclass(frozen=True)
class Strength:
    """How often and how strongly; probabilities are per window."""

    tempo: tuple[float, float] = (0.82, 1.22)
    warp: float = 0.12  # largest relative stretch of the frequency axis
    visible: float = 0.6  # least share of the utterance that stays in the window
    room: float = 0.25
    noise: float = 0.6
    snr_db: tuple[float, float] = (3.0, 35.0)
    rumble: float = 0.0  # in the lowest bands alone
    rumble_snr_db: tuple[float, float] = (-20.0, 10.0)
    equaliser: float = 0.5  # standard deviation in nats of power
    telephone: float = 0.08
    splice: float = 0.15
    frequency_masks: int = 2
    frequency_mask_bands: int = 7
    time_masks: int = 2
    time_mask_frames: int = 24
    mixup: float = 0.6
    mixup_beta: float = 0.3


@dataclass(frozen=True)
class Surroundings:
    """What lies around speech: noise clips and the energy decay of rooms [rooms, frames, bands]."""

    noise: FrameBank
    noise_clips: Ints
    decays: Floats


@dataclass(frozen=True)
class Augmenter:
    bank: FrameBank
    surroundings: Surroundings
    strength: Strength
    spec: FrontendSpec = DEFAULT_SPEC
    warps: Floats = field(init=False)

    def __post_init__(self) -> None:
        factors = np.linspace(1 - self.strength.warp, 1 + self.strength.warp, 41)
        object.__setattr__(self, "warps", np.stack([warp_matrix(self.spec, f) for f in factors]))

    @property
    def frames(self) -> int:
        return self.spec.window_frames

    @property
    def bands(self) -> int:
        return self.spec.mel_bands

    def place(self, rng: np.random.Generator, clips: Ints) -> NDArray[np.float64]:
        """Positions in the clip that the window's frames are read from: any phase, any tempo."""
        first, last = self.bank.first[clips], self.bank.last[clips]
        slowest, fastest = np.log(self.strength.tempo)
        tempo = np.exp(rng.uniform(slowest, fastest, len(clips)))
        spoken = (last - first) / tempo
        hidden = (1 - self.strength.visible) * np.minimum(spoken, self.frames)
        # Half of the windows hold the utterance whole where they can, the others cut it.
        hidden *= rng.random(len(clips)) < 0.5
        low = np.minimum(0, self.frames - spoken) - hidden
        high = np.maximum(0, self.frames - spoken) + hidden
        start = rng.uniform(low, high)
        steps = np.arange(self.frames)[None, :] - start[:, None]
        return np.asarray(first[:, None] + steps * tempo[:, None])

    def windows(self, rng: np.random.Generator, clips: Ints, partners: Ints) -> Floats:
        """Augmented log-mel windows; `partners` are neutral clips of the same speakers, or -1."""
        positions = self.place(rng, clips)
        logmel = self.bank.windows(clips, positions)
        self._splice(rng, logmel, clips, partners, positions)
        choice = rng.integers(0, len(self.warps), len(clips))
        logmel = np.matmul(logmel, self.warps[choice])
        power = np.exp(logmel)
        self.add_rooms(rng, power)
        self.add_noise(rng, power)
        self.add_rumble(rng, power)
        logmel = np.log(power + np.exp(SILENCE))
        self._colour(rng, logmel)
        return np.asarray(logmel, dtype=np.float32)

    def _splice(
        self,
        rng: np.random.Generator,
        logmel: Floats,
        clips: Ints,
        partners: Ints,
        positions: NDArray[np.float64],
    ) -> None:
        """Neutral speech of the same speaker just before or after the utterance."""
        rows = np.flatnonzero((rng.random(len(clips)) < self.strength.splice) & (partners >= 0))
        for row in rows:
            clip, partner = clips[row], partners[row]
            gap = rng.integers(4, 20)
            where = positions[row]
            after = where > self.bank.last[clip] + gap
            before = where < self.bank.first[clip] - gap
            source = self.bank.offset[partner]
            first, last = self.bank.first[partner], self.bank.last[partner]
            level = rng.normal(0, 0.5)
            for free, anchored in ((after, first), (before, last)):
                count = min(int(free.sum()), int(last - first))
                if count == 0:
                    continue
                targets = np.flatnonzero(free)
                if anchored == first:
                    chosen = np.arange(first, first + count)
                    targets = targets[:count]
                else:
                    chosen = np.arange(last - count, last)
                    targets = targets[-count:]
                logmel[row, targets] = self.bank.frames[source + chosen] + level

    def add_rooms(self, rng: np.random.Generator, power: Floats) -> None:
        rows = np.flatnonzero(rng.random(len(power)) < self.strength.room)
        decays = self.surroundings.decays
        if not len(rows) or not len(decays):
            return
        decay = decays[rng.integers(0, len(decays), len(rows))].copy()
        decay[:, 1:] *= np.exp(rng.uniform(-1.5, 0.5, len(rows))).astype(np.float32)[:, None, None]
        size = self.frames + decay.shape[1]
        spectrum = np.fft.rfft(power[rows], size, axis=1) * np.fft.rfft(decay, size, axis=1)
        power[rows] = np.maximum(np.fft.irfft(spectrum, size, axis=1)[:, : self.frames], 0)

    def add_noise(self, rng: np.random.Generator, power: Floats) -> None:
        speech = np.sort(total_power(power), axis=1)[:, -self.frames // 4 :].mean(axis=1)
        rows = np.flatnonzero(rng.random(len(power)) < self.strength.noise)
        if len(rows):
            noise = np.where(
                (rng.random(len(rows)) < 0.5)[:, None, None],
                self.recorded_noise(rng, len(rows)),
                self._synthetic(rng, len(rows)),
            )
            snr = rng.uniform(*self.strength.snr_db, len(rows))
            power[rows] += at_ratio(noise, speech[rows], snr)

    def add_rumble(self, rng: np.random.Generator, power: Floats) -> None:
        """What a car, a fan or the mains puts below a voice, often louder than the voice is."""
        if not self.strength.rumble:
            return  # drawing nothing: recipes without it see what they saw before there was any
        rows = np.flatnonzero(rng.random(len(power)) < self.strength.rumble)
        fall = rng.uniform(0.4, 3.0, (len(rows), 1, 1))
        shape = np.exp(-np.arange(self.bands) / fall).astype(np.float32)
        flutter = rng.standard_exponential((len(rows), self.frames, self.bands), dtype=np.float32)
        noise = shape * (STEADY_RUMBLE + flutter)
        speech = total_power(power[rows]).mean(axis=1)
        snr = rng.uniform(*self.strength.rumble_snr_db, len(rows))
        power[rows] += at_ratio(noise, speech, snr)

    def recorded_noise(self, rng: np.random.Generator, count: int) -> Floats:
        bank = self.surroundings.noise
        if not len(self.surroundings.noise_clips):
            return self._synthetic(rng, count)
        clips = rng.choice(self.surroundings.noise_clips, count)
        room = np.maximum(bank.length[clips] - self.frames, 0)
        start = np.floor(rng.random(count) * (room + 1))
        return np.exp(bank.windows(clips, start[:, None] + np.arange(self.frames)[None, :]))

    def _synthetic(self, rng: np.random.Generator, count: int) -> Floats:
        """Coloured noise: a random tilt and curve; the flutter of a band's power in one frame."""
        axis = np.linspace(-1, 1, self.bands, dtype=np.float32)
        tilt = rng.normal(0, 1.5, (count, 1)).astype(np.float32)
        curve = rng.normal(0, 0.8, (count, 1)).astype(np.float32)
        shape = np.exp(tilt * axis + curve * axis**2)[:, None, :]
        flutter = rng.standard_exponential((count, self.frames, self.bands), dtype=np.float32)
        flutter += rng.standard_exponential((count, self.frames, self.bands), dtype=np.float32)
        return shape * flutter

    def _colour(self, rng: np.random.Generator, logmel: Floats) -> None:
        knots = rng.normal(0, self.strength.equaliser, (len(logmel), 5))
        axis = np.linspace(0, 4, self.bands)
        low = np.minimum(axis.astype(int), 3)
        share = axis - low
        curve = knots[:, low] * (1 - share) + knots[:, low + 1] * share
        rows = rng.random(len(logmel)) < self.strength.telephone
        # 300-3400 Hz: bands below 4 and above 28 fade.
        bands = np.arange(self.bands)
        edge = np.maximum(4 - bands, 0) * 1.2 + np.maximum(bands - 28, 0) * 1.0
        curve -= rows[:, None] * edge[None, :]
        logmel += curve.astype(np.float32)[:, None, :]

    def mask(self, rng: np.random.Generator, normalised: Floats) -> None:
        """Blank random bands and stretches of time with the window's mean (which is 0)."""
        count = len(normalised)
        bands, times = np.arange(self.bands), np.arange(self.frames)
        keep = np.ones((count, 1, self.bands), bool)
        for _ in range(self.strength.frequency_masks):
            width = rng.integers(0, self.strength.frequency_mask_bands + 1, (count, 1))
            start = rng.integers(0, self.bands, (count, 1))
            keep[:, 0] &= ~((bands >= start) & (bands < start + width))
        still = np.ones((count, self.frames, 1), bool)
        for _ in range(self.strength.time_masks):
            width = rng.integers(0, self.strength.time_mask_frames + 1, (count, 1))
            start = rng.integers(0, self.frames, (count, 1))
            still[:, :, 0] &= ~((times >= start) & (times < start + width))
        normalised *= keep
        normalised *= still


def at_ratio(noise: Floats, speech: Floats, snr_db: NDArray[np.float64]) -> Floats:
    """The noise of each window as loud as its speech would have it at that ratio."""
    gain = speech / (total_power(noise).mean(axis=1) + 1e-20) * 10 ** (-snr_db / 10)
    return np.asarray(noise * gain.astype(np.float32)[:, None, None])
