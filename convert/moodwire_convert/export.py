"""Keras to full-int8 TFLite, in a process of its own: the converter leaks memory and state.

`export` starts the process; `python -m moodwire_convert.export` is what runs in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

BATCH = 64


class ConversionError(ValueError):
    """A network that cannot become a bundle; the message says why."""


class Order(msgspec.Struct):
    """What the process is asked to do."""

    network: str
    outputs: list[int]
    """Which of the network's outputs are kept, in this order."""
    units: int
    """How many outputs the network must have."""
    shape: tuple[int, int]
    """Frames and coefficients of the window."""


@dataclass(frozen=True)
class Exported:
    tflite: bytes
    float_logits: dict[str, Array]
    """What the network answers before quantisation, for every set of windows."""
    versions: dict[str, str]


def export(
    network: Path,
    outputs: list[int],
    units: int,
    calibration: Array,
    windows: Mapping[str, Array],
) -> Exported:
    """Quantise with the standardised calibration windows; also answer `windows` in float."""
    with tempfile.TemporaryDirectory(prefix="moodwire-convert-") as scratch:
        directory = Path(scratch)
        order = Order(str(network.resolve()), outputs, units, calibration.shape[1:])
        (directory / "order.json").write_bytes(msgspec.json.encode(order))
        np.savez(directory / "windows.npz", calibration=calibration)
        np.savez(directory / "sets.npz", **dict[str, Any](windows))
        environment = {
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
        }
        done = subprocess.run(
            [sys.executable, "-P", "-m", "moodwire_convert.export", scratch],
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ConversionError(_last_error(done.stderr))
        with np.load(directory / "logits.npz") as logits:
            float_logits = {name: logits[name] for name in windows}
        versions = msgspec.json.decode((directory / "versions.json").read_bytes())
        return Exported((directory / "model.tflite").read_bytes(), float_logits, versions)


def _last_error(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.strip()]
    message = lines[-1] if lines else "the converter died without a word"
    return message.removeprefix(f"{__name__}.ConversionError: ").removeprefix(
        "__main__.ConversionError: "
    )


def _main(directory: Path) -> None:
    import keras
    import tensorflow as tf

    order = msgspec.json.decode((directory / "order.json").read_bytes(), type=Order)
    network = load_network(order)
    with np.load(directory / "windows.npz") as windows:
        calibration = windows["calibration"]
    (directory / "model.tflite").write_bytes(to_int8(network, calibration))
    with np.load(directory / "sets.npz") as sets:
        np.savez(
            directory / "logits.npz",
            **{name: network.predict(sets[name], batch_size=BATCH, verbose=0) for name in sets},
        )
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    (directory / "versions.json").write_bytes(msgspec.json.encode(versions))


def load_network(order: Order) -> Any:
    """The network with only the wanted outputs, refused if it is not what the device runs."""
    import keras

    network = keras.models.load_model(order.network, compile=False)
    if tuple(network.input_shape[1:]) != order.shape:
        raise ConversionError(
            f"the network's input is {tuple(network.input_shape[1:])}; "
            f"the front end makes {order.shape}"
        )
    head = network.layers[-1]
    if not isinstance(head, keras.layers.Dense) or head.activation is not keras.activations.linear:
        raise ConversionError(
            f"the network ends in {type(head).__name__} {head.name!r}; it must end in a Dense "
            "layer without activation: export logits, not probabilities"
        )
    if head.units != order.units:
        raise ConversionError(
            f"the network has {head.units} outputs, its record names {order.units} labels"
        )
    if order.outputs == list(range(head.units)):
        return _pointwise(network)
    kept = keras.layers.Dense(len(order.outputs), name="kept_logits")
    narrowed = keras.Model(network.inputs, kept(head.input))
    kernel, bias = head.get_weights()
    kept.set_weights([kernel[:, order.outputs], bias[order.outputs]])
    return _pointwise(narrowed)


def _pointwise(network: Any) -> Any:
    """The same function with every dense layer written as a 1x1 convolution.

    Runtimes disagree about int8 dense layers: tflite-runtime 2.14 rounds twice and knows one
    scale for the whole layer, newer ones round once. About convolutions all agree bit for bit.
    """
    import keras

    class Pointwise(keras.layers.Dense):  # type: ignore[misc]
        def call(self, inputs: Any, training: bool | None = None) -> Any:
            leading, channels = inputs.shape[1:-1], inputs.shape[-1]
            places = int(np.prod(leading, dtype=int))
            picture = keras.ops.reshape(inputs, (-1, places, 1, channels))
            kernel = keras.ops.reshape(self.kernel, (1, 1, channels, self.units))
            answer = keras.ops.conv(picture, kernel, padding="valid") + self.bias
            return self.activation(keras.ops.reshape(answer, (-1, *leading, self.units)))

    def clone(layer: Any) -> Any:
        kind = Pointwise if type(layer) is keras.layers.Dense else type(layer)
        return kind.from_config(layer.get_config())

    same = keras.models.clone_model(network, clone_function=clone)
    same.set_weights(network.get_weights())
    return same


def to_int8(network: Any, calibration: Array) -> bytes:
    """Runs the converter: weights per channel, activations by what the windows reach."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    # Batch and time are fixed, or the device's runtime would plan its memory anew.
    signature = tf.TensorSpec((1, *calibration.shape[1:]), tf.float32)
    infer = tf.function(lambda window: network(window, training=False))
    # Keras 3 variables are not tracked by the converter's calibration: they become constants.
    frozen = convert_variables_to_constants_v2(infer.get_concrete_function(signature))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([window[None]] for window in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    content: bytes = converter.convert()
    return content


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
