"""What a few seconds of sound tell about the microphone that they came from; pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moodwire.audio.source import Samples
from moodwire.diagnostics.finding import Findings, broken, fine, warning

FRAME_SECONDS = 0.02
FULL_SCALE = 0.999
"""From here on a sample counts as clipped."""

MOST_CLIPPED = 0.001
FAINT_PEAK = -66.0
"""dBFS: 16 of 32768 steps; a working microphone hears more than that in any room."""

MOST_OFFSET = 0.02
"""Of full scale: more than that wastes headroom and comes from a broken input stage."""

HUM_SHARE = 0.5
HUM_LEVEL = -60.0
MAINS_HERTZ = (50.0, 60.0)
HARMONICS = 4

GAIN = "alsamixer, F4, or: amixer -c CARD; then: sudo alsactl store"


@dataclass(frozen=True)
class Sound:
    """Levels are dB relative to full scale; None is digital silence, which has no level."""

    seconds: float
    level: float | None
    peak: float | None
    floor: float | None
    """Level of the quietest tenth of the time."""

    clipped: float
    """Share of the samples."""

    offset: float
    """Mean, of full scale."""

    hum: float
    """Share of the power that lies on a mains frequency and its harmonics."""

    hum_hertz: float


def decibels(amplitude: float) -> float | None:
    return 20.0 * float(np.log10(amplitude)) if amplitude > 0.0 else None


def measure(samples: Samples, rate: int) -> Sound:
    """Level and hum are told without the offset, which nobody hears."""
    offset = float(samples.mean()) if len(samples) else 0.0
    sound = samples - np.float32(offset)
    if not len(samples) or not np.any(sound):
        return Sound(len(samples) / rate, None, None, None, 0.0, offset, 0.0, MAINS_HERTZ[0])
    length = max(1, min(len(sound), round(FRAME_SECONDS * rate)))
    frames = sound[: len(sound) // length * length].reshape(-1, length)
    powers = np.mean(np.square(frames, dtype=np.float64), axis=1)
    hum, hertz = max((_mains_share(sound, rate, hertz), hertz) for hertz in MAINS_HERTZ)
    return Sound(
        seconds=len(sound) / rate,
        level=decibels(float(np.sqrt(powers.mean()))),
        peak=decibels(float(np.abs(samples).max())),
        floor=decibels(float(np.sqrt(np.quantile(powers, 0.1)))),
        clipped=float(np.mean(np.abs(samples) >= FULL_SCALE)),
        offset=offset,
        hum=hum,
        hum_hertz=hertz,
    )


def _mains_share(sound: Samples, rate: int, hertz: float) -> float:
    """Power within one and a half hertz of the harmonics, of all power."""
    windowed = sound * np.hanning(len(sound))
    power = np.abs(np.fft.rfft(windowed)) ** 2
    frequency = np.fft.rfftfreq(len(windowed), 1 / rate)
    nearest = np.rint(frequency / hertz)
    near = (np.abs(frequency - nearest * hertz) <= 1.5) & (nearest >= 1) & (nearest <= HARMONICS)
    return float(power[near].sum() / power.sum())


def judge(sound: Sound) -> Findings:
    """The same numbers in words, with remedies."""
    if sound.level is None or sound.peak is None or sound.floor is None:
        yield broken(
            "level",
            f"digital silence: every one of {sound.seconds:.1f} s of samples is the same",
            "the microphone is muted (switch on it, or alsamixer, F4, key M), it sits on another "
            "channel (microphone.channel), or an I2S overlay is missing",
        )
        return
    seen = f"{sound.level:.0f} dBFS, peak {sound.peak:.0f}, noise floor {sound.floor:.0f}"
    if sound.peak < FAINT_PEAK:
        yield broken("level", f"{seen}: next to nothing", f"raise the capture gain: {GAIN}")
    else:
        yield fine("level", seen)
    if sound.clipped > MOST_CLIPPED:
        yield warning(
            "clipping",
            f"{sound.clipped:.1%} of the samples are at full scale",
            f"lower the capture gain or switch the microphone's boost off: {GAIN}",
        )
    else:
        yield fine("clipping", "none")
    if abs(sound.offset) > MOST_OFFSET:
        yield warning(
            "offset",
            f"{sound.offset:+.1%} of full scale",
            "the input stage is faulty or badly supplied: try another socket, cable or microphone",
        )
    else:
        yield fine("offset", f"{sound.offset:+.2%} of full scale")
    if sound.hum > HUM_SHARE and sound.level > HUM_LEVEL:
        yield warning(
            "hum",
            f"{sound.hum:.0%} of the power lies on {sound.hum_hertz:.0f} Hz and its harmonics",
            "use another power supply, a shorter cable, or a USB isolator against ground loops",
        )
    else:
        yield fine("hum", f"{sound.hum:.0%} of the power on {sound.hum_hertz:.0f} Hz")
