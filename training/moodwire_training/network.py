"""The network: MFCC window in, logits out; nothing in it that an int8 runtime would stumble over.

The input carries all coefficients of an orthonormal DCT, so no information is lost; the first
layer is linear per frame and starts as the inverse of standardisation and DCT. What follows sees
a log-mel picture and may treat neighbouring bands as neighbours, which a plain MFCC denies it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import scipy.fft
from keras import layers
from numpy.typing import NDArray

from moodwire.features import DEFAULT_SPEC


@dataclass(frozen=True)
class Stage:
    """Merge `merge` cells (time, frequency) into channels, convolve, add residual convolutions.

    Merging instead of striding: a strided convolution with few channels leaves a CPU's matrix
    unit idle in training, and it says nothing that a unit-stride convolution over merged cells
    cannot say. Where merging in time would need a transposition, which no device likes, the
    network that is kept has the same weights as a convolution with a stride in time.
    """

    width: int
    merge: tuple[int, int] = (1, 1)
    kernel: tuple[int, int] = (3, 3)
    padding: str = "same"
    residual: int = 0


STAGES = (
    Stage(32, merge=(4, 4)),
    Stage(88, merge=(2, 2), kernel=(1, 1), residual=2),
    Stage(128, kernel=(1, 5), padding="valid"),
    Stage(112, kernel=(3, 1)),
)


class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras' own layer, except that Torch's fused kernel does the work where Torch trains.

    The generic formula is several passes over memory, and on a CPU memory is what training waits
    for. The result is the same up to rounding; saved models carry the plain Keras layer.
    """

    def call(self, inputs, training=None, mask=None):  # type: ignore[no-untyped-def]
        if not training or keras.backend.backend() != "torch":
            return super().call(inputs, training=training, mask=mask)
        import torch

        channels_first = inputs.permute(0, 3, 1, 2)
        outputs = torch.nn.functional.batch_norm(
            channels_first,
            self.moving_mean.value,
            self.moving_variance.value,
            self.gamma.value,
            self.beta.value,
            training=True,
            momentum=1.0 - self.momentum,
            eps=self.epsilon,
        )
        return outputs.permute(0, 2, 3, 1)


def inverse_features(
    mean: NDArray[np.float32], deviation: NDArray[np.float32], bands: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel and bias that turn standardised coefficients back into normalised log-mel bands."""
    basis = scipy.fft.dct(np.eye(bands), type=2, norm="ortho", axis=0)[: len(mean)]
    kernel = deviation[:, None] * basis
    return kernel.astype(np.float32), (mean @ basis).astype(np.float32)


def build_network(
    frames: int,
    mean: NDArray[np.float32],
    deviation: NDArray[np.float32],
    classes: int,
    width: float = 1.0,
    dropout: float = 0.3,
    plain: bool = False,
    seed: int = 0,
) -> keras.Model:
    """Input [frames, coefficients] (standardised); output logits of `classes` labels.

    `plain` is the network to keep: stock layers, strides in time; otherwise the one to train.
    `seed` draws the dropout: from a variable of the network, which a checkpoint holds. Without,
    Torch would draw it from a state that none does.
    """
    inputs = keras.Input((frames, len(mean)), name="features")
    bands = DEFAULT_SPEC.mel_bands
    kernel, bias = inverse_features(mean, deviation, bands)
    picture = layers.Dense(
        bands,
        kernel_initializer=keras.initializers.Constant(kernel),
        bias_initializer=keras.initializers.Constant(bias),
        name="bands",
    )(inputs)
    x = layers.Reshape((frames, bands, 1), name="picture")(picture)
    for number, stage in enumerate(STAGES):
        x = _stage(x, stage, width, f"stage{number}", plain)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(dropout, seed=seed, name="dropout")(x)
    logits = layers.Dense(classes, name="logits", dtype="float32")(x)
    return keras.Model(inputs, logits, name="moodwire")


def _stage(
    x: keras.KerasTensor,
    stage: Stage,
    width: float,
    name: str,
    plain: bool,
) -> keras.KerasTensor:
    channels = max(8, round(stage.width * width / 8) * 8)
    if plain:
        x = _strided(x, channels, stage, name)
        x = _activation(x, name, keras.layers.BatchNormalization)
    else:
        x = _merge(x, stage.merge, name)
        x = _convolution(x, channels, stage.kernel, stage.padding, name)
    for block in range(stage.residual):
        inside = f"{name}_residual{block}"
        inner = _convolution(x, channels, (3, 3), "same", inside, plain)
        x = layers.Add(name=f"{name}_add{block}")([x, inner])
    return x


def _merge(x: keras.KerasTensor, cells: tuple[int, int], name: str) -> keras.KerasTensor:
    """[time, frequency, channels] to fewer, deeper cells; nothing is lost."""
    down, across = cells
    if cells == (1, 1):
        return x
    _, time, frequency, channels = x.shape
    time, frequency = time // down, frequency // across
    x = layers.Reshape((time, down, frequency, across * channels), name=f"{name}_split")(x)
    x = layers.Permute((1, 3, 2, 4), name=f"{name}_gather")(x)
    return layers.Reshape((time, frequency, down * across * channels), name=f"{name}_merge")(x)


def _strided(x: keras.KerasTensor, channels: int, stage: Stage, name: str) -> keras.KerasTensor:
    """The same as merging and convolving: frequency cells merge for free, time by a stride."""
    down, across = stage.merge
    height, width = stage.kernel
    _, time, frequency, depth = x.shape
    if across > 1:
        x = layers.Reshape((time, frequency // across, across * depth), name=f"{name}_merge")(x)
    padding = stage.padding
    if padding == "same" and down > 1:
        padding = "valid"
        around = (down * (height // 2), width // 2)
        if any(around):
            x = layers.ZeroPadding2D(around, name=f"{name}_pad")(x)
    return layers.Conv2D(
        channels,
        (height * down, width),
        strides=(down, 1),
        padding=padding,
        use_bias=False,
        name=f"{name}_conv",
    )(x)


def plain_kernel(kernel: NDArray[np.float32], stage: Stage) -> NDArray[np.float32]:
    """Weights of a stage's first convolution as trained, laid out for a stride in time."""
    height, width, merged, channels = kernel.shape
    down = stage.merge[0]
    cells = kernel.reshape(height, width, down, merged // down, channels)
    return cells.transpose(0, 2, 1, 3, 4).reshape(height * down, width, merged // down, channels)


def trained_kernel(kernel: NDArray[np.float32], stage: Stage) -> NDArray[np.float32]:
    """The other way round."""
    down = stage.merge[0]
    height, width, cells, channels = kernel.shape
    split = kernel.reshape(height // down, down, width, cells, channels)
    return split.transpose(0, 2, 1, 3, 4).reshape(height // down, width, down * cells, channels)


def _convolution(
    x: keras.KerasTensor,
    channels: int,
    kernel: tuple[int, int],
    padding: str,
    name: str,
    plain: bool = False,
) -> keras.KerasTensor:
    x = layers.Conv2D(channels, kernel, padding=padding, use_bias=False, name=f"{name}_conv")(x)
    normaliser = keras.layers.BatchNormalization if plain else BatchNormalization
    return _activation(x, name, normaliser)


def _activation(
    x: keras.KerasTensor, name: str, normaliser: type[keras.layers.Layer]
) -> keras.KerasTensor:
    x = normaliser(momentum=0.98, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def plain_copy(
    model: keras.Model, mean: NDArray[np.float32], deviation: NDArray[np.float32], width: float
) -> keras.Model:
    """The same function in stock layers and float32, so that anybody can load the file."""
    keras.mixed_precision.set_global_policy("float32")
    frames, classes = model.input_shape[1], model.output_shape[-1]
    plain = build_network(frames, mean, deviation, classes, width, plain=True)
    _carry_over(model, plain, plain_kernel)
    return plain


def go_on_from(model: keras.Model, plain: keras.Model) -> None:
    """Give the network to train the weights of one that was kept."""
    _carry_over(plain, model, trained_kernel)


def _carry_over(
    source: keras.Model,
    target: keras.Model,
    layout: Callable[[NDArray[np.float32], Stage], NDArray[np.float32]],
) -> None:
    """Weights by the names of their layers; the stages' kernels in the target's layout."""
    stages = {f"stage{number}_conv": stage for number, stage in enumerate(STAGES)}
    for layer in target.layers:
        weights = source.get_layer(layer.name).get_weights() if layer.weights else []
        if layer.name in stages:
            weights = [layout(weights[0], stages[layer.name])]
        if weights:
            layer.set_weights(weights)
