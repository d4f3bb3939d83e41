"""Proof that this device computes what was computed where the model was made.

The probe sound is made of whole numbers only, so it is the same everywhere to the last bit. What
follows from it is compared with vectors that were checked against librosa. Floating point differs
between processors in the last digits, hence the tolerance; the model's reference kernels do not,
hence none for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from moodwire.config import Config
from moodwire.diagnostics.finding import Findings, broken, fine
from moodwire.features import DEFAULT_SPEC, MelStream, window_features
from moodwire.model import Bundle, Classifier, golden_mismatches
from moodwire.pipeline import Pipeline

Array = NDArray[np.float32]

GOLDEN_FEATURES = "golden_features.npz"

FEATURE_TOLERANCE = 2e-3
"""Of log power and of coefficients, whose range is some tens; x86 and ARM stay far below it."""

KERNEL_TOLERANCE = 4
"""Steps of int8 by which a processor's own kernels may differ from the reference kernels.

They round each layer otherwise, which comes to 2 in one window of ten, on x86 and ARM alike;
kernels that are wrong are tens off.
"""

ROW_STEP = 16
"""Every so many frames of a window's features are kept as golden."""

REINSTALL = "install Moodwire again; if it stays, send the output of: moodwire support"


@dataclass(frozen=True)
class Vectors:
    """What the front end makes of the probe sound."""

    logmel: Array
    features: Array


def probe_sound() -> Array:
    """A pulse train that glides and swells in noise; exact everywhere."""
    index = np.arange(DEFAULT_SPEC.window_samples, dtype=np.int64)
    noise = (index * 1_103_515_245 + 12_345 + index * index * 7_919) >> 7 & 0x7FF
    period = 90 + (index // 4_000) % 5 * 17
    pulses = (index % period < 6) * (2_000 + index % 16_000)
    # a power of two: the division is exact too
    return ((noise - 1_024 + pulses) / 32_768.0).astype(np.float32)


def compute_vectors() -> Vectors:
    logmel = MelStream(DEFAULT_SPEC).push(probe_sound())
    return Vectors(logmel[::ROW_STEP], window_features(DEFAULT_SPEC, logmel)[::ROW_STEP])


def golden_path() -> Path:
    return Path(str(files("moodwire.diagnostics"))) / GOLDEN_FEATURES


def prove_features() -> Findings:
    with np.load(golden_path()) as stored:
        golden = Vectors(stored["logmel"], stored["features"])
    found = compute_vectors()
    for name in ("logmel", "features"):
        expected, actual = getattr(golden, name), getattr(found, name)
        if expected.shape != actual.shape:
            yield broken(name, f"shape {actual.shape} instead of {expected.shape}", REINSTALL)
            continue
        distance = float(np.abs(expected - actual).max())
        if distance <= FEATURE_TOLERANCE:
            yield fine(name, f"equals the golden vectors (largest difference {distance:.1e})")
        else:
            yield broken(
                name,
                f"differs from the golden vectors by {distance:.1e}; allowed {FEATURE_TOLERANCE}",
                REINSTALL,
            )


def prove_model(bundle: Bundle) -> Findings:
    windows = len(bundle.golden_inputs)
    if wrong := golden_mismatches(bundle):
        yield broken(
            "golden outputs",
            f"{wrong} of {windows} windows differ with the reference kernels",
            "the runtime computes wrongly or the bundle was tampered with: " + REINSTALL,
        )
    else:
        yield fine("golden outputs", f"{windows} windows, reference kernels, bit for bit")
    classifier = Classifier(bundle)
    answers = [classifier.run_quantised(window) for window in bundle.golden_inputs]
    steps = int(np.abs(np.array(answers, dtype=np.int16) - bundle.golden_outputs).max())
    if steps <= KERNEL_TOLERANCE:
        yield fine("this processor's kernels", f"at most {steps} of int8's steps off")
    else:
        yield broken(
            "this processor's kernels",
            f"up to {steps} steps of int8 from the reference; allowed {KERNEL_TOLERANCE}",
            REINSTALL,
        )


class HearsSpeech:
    """Scores all sound as speech: the proof is of the model's way, not of the gate's taste."""

    def push(self, samples: Array, logmel: Array, /) -> Array:
        return np.ones(len(logmel), dtype=np.float32)

    def reset(self) -> None:
        pass


def prove_pipeline(bundle: Bundle) -> Findings:
    """The probe sound through the whole way, in pieces as a microphone gives them."""
    pipeline = Pipeline(bundle, Config(), scorer=HearsSpeech())
    rate = bundle.spec.sample_rate
    sound = np.tile(probe_sound(), 2)
    begun = perf_counter()
    seen = [
        observation
        for start in range(0, len(sound), rate // 10)
        for observation in pipeline.push(sound[start : start + rate // 10], start / rate)
    ]
    share = (perf_counter() - begun) / (len(sound) / rate)
    if not seen or not pipeline.inferences:
        yield broken("pipeline", f"{len(seen)} hops and no inference", REINSTALL)
    else:
        yield fine(
            "pipeline",
            f"{len(seen)} hops, {pipeline.inferences} inferences, {share:.2%} of real time",
        )
