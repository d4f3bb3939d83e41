"""Features of a window in, calibrated probabilities out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from moodwire.model.bundle import Bundle
from moodwire.model.interpreter import Interpreter, check_graph
from moodwire.model.manifest import BundleError, Manifest, Quantisation
from moodwire.softmax import softmax

Array = NDArray[np.float32]
Bytes = NDArray[np.int8]

LOWEST, HIGHEST = np.float32(-128), np.float32(127)


class Quantiser:
    """Standardisation and quantisation in one: stored = round(coefficient * gain + offset).

    Everything is kept in buffers made once: this runs several times a second for years.
    """

    def __init__(self, manifest: Manifest, shape: tuple[int, int]) -> None:
        mean = np.array(manifest.standardisation.mean)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            exact = 1.0 / (np.array(manifest.standardisation.deviation) * manifest.input.scale)
            gain = exact.astype(np.float32)
            offset = (manifest.input.zero_point - mean * exact).astype(np.float32)
        if not np.isfinite(gain).all() or not np.isfinite(offset).all():
            raise BundleError("standardisation and input scale of the manifest are out of range")
        # a row for each frame: numpy is quicker when there is nothing to broadcast
        self._gain, self._offset = (np.tile(row, (shape[0], 1)) for row in (gain, offset))
        self._ones = np.ones(shape[0] * shape[1], dtype=np.float32)
        self._buffer = np.empty(shape, dtype=np.float32)

    def __call__(self, features: Array) -> Array:
        """Whole numbers within -128..127 as floats; valid until the next call."""
        buffer = self._buffer
        if features.shape != buffer.shape:
            raise ValueError(f"features have shape {features.shape}; {buffer.shape} is needed")
        np.multiply(features, self._gain, out=buffer)
        np.add(buffer, self._offset, out=buffer)
        np.rint(buffer, out=buffer)
        np.clip(buffer, LOWEST, HIGHEST, out=buffer)
        # a dot product takes a third of the time of a sum, and NaN spreads through either
        if np.isnan(np.dot(buffer.reshape(-1), self._ones)):
            raise ValueError("features hold NaN: the samples they come from are not numbers")
        return buffer


class Classifier:
    """Runs a bundle's model; not to be shared between threads."""

    def __init__(self, bundle: Bundle, reference: bool = False) -> None:
        manifest, spec = bundle.manifest, bundle.spec
        shape = (spec.window_frames, spec.width)
        self.bundle = bundle
        check_graph(bundle.model)
        self._interpreter = Interpreter(bundle.model, reference)
        _check_tensor(self._interpreter.input, "input", (1, *shape), manifest.input)
        _check_tensor(self._interpreter.output, "output", (1, len(bundle.labels)), manifest.output)
        self._quantise = Quantiser(manifest, shape)
        self._scale = np.float32(manifest.output.scale)
        self._zero_point = np.float32(manifest.output.zero_point)
        self._temperature = np.float32(manifest.temperature)

    def run_quantised(self, window: NDArray[np.generic]) -> Bytes:
        """What the network answers to an input that is quantised already."""
        self._interpreter.feed(window)
        return self._interpreter.run()

    def logits(self, features: Array) -> Array:
        """The network's answer before calibration."""
        stored = self.run_quantised(self._quantise(features))
        return (stored.astype(np.float32) - self._zero_point) * self._scale

    def probabilities(self, features: Array) -> Array:
        """Calibrated probability of every label for one window (frames, width)."""
        return softmax(self.logits(features) / self._temperature)


def golden_mismatches(bundle: Bundle) -> int:
    """Golden windows that the reference kernels do not answer bit for bit; 0 is sound."""
    classifier = Classifier(bundle, reference=True)
    pairs = zip(bundle.golden_inputs, bundle.golden_outputs, strict=True)
    return sum(not np.array_equal(classifier.run_quantised(x), y) for x, y in pairs)


def _check_tensor(
    details: dict[str, object], what: str, shape: tuple[int, ...], stored: Quantisation
) -> None:
    found = tuple(int(length) for length in details["shape"])  # type: ignore[attr-defined]
    if found != shape:
        raise BundleError(f"the model's {what} has shape {found}; the manifest needs {shape}")
    scale, zero_point = details["quantization"]  # type: ignore[misc]
    if not np.isclose(scale, stored.scale, rtol=1e-6) or zero_point != stored.zero_point:  # type: ignore[has-type]
        raise BundleError(
            f"the model's {what} is quantised with scale {scale:g} and zero point {zero_point}; "  # type: ignore[has-type]
            f"the manifest says {stored.scale:g} and {stored.zero_point}"
        )
