"""Times the front end, its peers and its limits in turns; run by `moodwire bench features`."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import thread_time_ns
from typing import Any

import numpy as np

from moodwire.features import DEFAULT_SPEC, FeatureWindow, Frontend, MelStream, frames

SPEC = DEFAULT_SPEC
HOP_FRAMES = 16
"""What the device takes in at once: the 250 ms between windows, in whole frames."""

WINDOW = "(a) one 3 s window at once"
ALWAYS_ON = "(b) always on: a 3 s window every 250 ms"
FRAMES = f"new frames only, {HOP_FRAMES} at a time"
PEERS = {"librosa": "librosa", "psf": "python_speech_features", "knf": "kaldi_native_fbank"}
IN_TURN = 5
"""Runs of one before the next has its turn: warm caches, short beside what else goes on."""

Job = Callable[[], Any]


def race(jobs: dict[str, Job], runs: int) -> dict[str, float]:
    """Median microseconds of CPU time of each, measured in turns."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(runs // IN_TURN + 1):
        for name, job in jobs.items():
            for _ in range(IN_TURN):
                begun = thread_time_ns()
                job()
                if turn:  # the first turn warms up
                    times[name].append((thread_time_ns() - begun) / 1_000)
    return {name: median(found) for name, found in times.items()}


def window_jobs(window: np.ndarray) -> dict[str, Job]:
    jobs: dict[str, Job] = {"moodwire": lambda: frames(SPEC, window), "copy": window.copy}
    jobs |= {name: _peer(name, window) for name, module in PEERS.items() if find_spec(module)}
    return jobs


def _peer(name: str, window: np.ndarray) -> Job:
    return {"librosa": _librosa, "psf": _psf, "knf": _knf}[name](window)


def _librosa(window: np.ndarray) -> Job:
    import librosa

    return lambda: librosa.feature.mfcc(
        y=window, sr=SPEC.sample_rate, n_mfcc=SPEC.coefficients, n_mels=SPEC.mel_bands,
        n_fft=SPEC.fft_length, hop_length=SPEC.hop_length, center=False, htk=True, norm="ortho",
        fmin=SPEC.mel_low_hz, fmax=SPEC.mel_high_hz,
    )  # fmt: skip


def _psf(window: np.ndarray) -> Job:
    import python_speech_features

    return lambda: python_speech_features.mfcc(
        window, SPEC.sample_rate, winlen=SPEC.frame_length / SPEC.sample_rate,
        winstep=SPEC.frame_seconds, numcep=SPEC.coefficients, nfilt=SPEC.mel_bands,
        nfft=SPEC.fft_length, lowfreq=SPEC.mel_low_hz, highfreq=SPEC.mel_high_hz,
        preemph=0, ceplifter=0, appendEnergy=False, winfunc=np.hanning,
    )  # fmt: skip


def _knf(window: np.ndarray) -> Job:
    import kaldi_native_fbank

    options = kaldi_native_fbank.MfccOptions()
    options.num_ceps = SPEC.coefficients
    options.use_energy = False
    options.cepstral_lifter = 0.0
    options.mel_opts.num_bins = SPEC.mel_bands
    options.mel_opts.low_freq = SPEC.mel_low_hz
    options.mel_opts.high_freq = SPEC.mel_high_hz
    options.frame_opts.samp_freq = SPEC.sample_rate
    options.frame_opts.frame_length_ms = 1_000 * SPEC.frame_length / SPEC.sample_rate
    options.frame_opts.frame_shift_ms = 1_000 * SPEC.frame_seconds
    options.frame_opts.window_type = "hanning"
    options.frame_opts.dither = 0.0
    options.frame_opts.preemph_coeff = 0.0
    options.frame_opts.remove_dc_offset = False

    def job() -> np.ndarray:
        online = kaldi_native_fbank.OnlineMfcc(options)
        online.accept_waveform(SPEC.sample_rate, window)
        online.input_finished()
        return np.stack([online.get_frame(row) for row in range(online.num_frames_ready)])

    return job


def stream_jobs(hop: np.ndarray, window: np.ndarray) -> dict[str, Job]:
    """What peers deliver, the MFCC of the last 3 s; and what our model wants beyond that."""
    frontend, kept = Frontend(SPEC), np.empty((SPEC.window_frames, SPEC.width), dtype=np.float32)
    kept[:] = frontend.push(window)

    def take_in() -> np.ndarray:
        kept[:-HOP_FRAMES] = kept[HOP_FRAMES:]
        kept[-HOP_FRAMES:] = frontend.push(hop)
        return kept

    stream, grown = MelStream(SPEC), FeatureWindow(SPEC)
    grown.append(stream.push(window))

    def normalise() -> np.ndarray:
        grown.append(stream.push(hop))
        return grown.features()

    return {"moodwire": take_in, "moodwire, normalised for the model": normalise}


def frame_jobs(hop: np.ndarray, window: np.ndarray) -> dict[str, Job]:
    frontend = Frontend(SPEC)
    frontend.push(window)  # as on the device: every hop then ends with a frame
    jobs: dict[str, Job] = {"moodwire": lambda: frontend.push(hop)}
    if find_spec("scipy"):
        import scipy.fft

        random = np.random.default_rng(0)
        double = random.standard_normal((HOP_FRAMES, SPEC.frame_length))
        single = double.astype(np.float32)
        jobs["bare scipy.fft.rfft, double as ours"] = lambda: scipy.fft.rfft(double)
        jobs["bare scipy.fft.rfft, single"] = lambda: scipy.fft.rfft(single)
    return jobs


def main(runs: int) -> dict[str, Any]:
    random = np.random.default_rng(0)
    window = (0.1 * random.standard_normal(SPEC.window_samples)).astype(np.float32)
    hop = window[: HOP_FRAMES * SPEC.hop_length].copy()
    for job in window_jobs(window).values():
        job()  # imports and first compilations are nobody's running cost
    at_once = race(window_jobs(window), runs)
    always_on = race(stream_jobs(hop, window), runs)
    always_on |= {f"{name}, recomputed": at_once[name] for name in PEERS if name in at_once}
    fresh = race(frame_jobs(hop, window), runs)
    ours, ours_fresh = always_on["moodwire"], fresh["moodwire"]
    on_device = always_on["moodwire, normalised for the model"]

    def ratio(other: float | None, to: float) -> float | None:
        return None if other is None else round(other / to, 2)

    double, single = (
        fresh.get(f"bare scipy.fft.rfft, {kind}") for kind in ("double as ours", "single")
    )
    return {
        "machine": f"{_processor()}, {platform.machine()}, Python {platform.python_version()}",
        "with": {
            name: version(name) for name in ("numpy", "scipy", *PEERS.values()) if find_spec(name)
        },
        "absent": [module for module in PEERS.values() if not find_spec(module)],
        "microseconds": {WINDOW: at_once, ALWAYS_ON: always_on, FRAMES: fresh},
        "stream_normalised_vs_librosa": ratio(at_once.get("librosa"), on_device),
        "batch_vs_librosa": ratio(at_once.get("librosa"), at_once["moodwire"]),
        "stream_vs_librosa": ratio(at_once.get("librosa"), ours),
        "stream_vs_psf": ratio(at_once.get("psf"), ours),
        "stream_vs_knf": ratio(at_once.get("knf"), ours),
        "stream_vs_fft_floor": double and round(ours_fresh / double, 2),
        "stream_vs_single_fft_floor": single and round(ours_fresh / single, 2),
        "us_per_audio_second": round(on_device / (HOP_FRAMES * SPEC.frame_seconds), 1),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = [
        line.split(":")[1].strip() for line in lines if line.startswith(("model name", "Model"))
    ]
    return named[-1] if named else platform.processor() or "unknown processor"


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
