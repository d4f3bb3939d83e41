"""LIGHT-SERNET, rebuilt from the description in its paper, as a rival to measure against.

Aftab, Morsali, Ghaemmaghami, Champagne: LIGHT-SERNET, a lightweight fully convolutional neural
network for speech emotion recognition (2022): three parallel convolutions that see time, frequency
and both; five more with pooling between them; global average; dense. 463 thousand parameters.
The weights are made up: this file is for timing only.

    python -m moodwire_convert.light_sernet FILE.tflite
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (184, 40)
CLASSES = 7
CALIBRATION_WINDOWS = 32


def build() -> Any:
    from keras import Input, Model, layers

    def block(x: Any, width: int, kernel: tuple[int, int], pool: tuple[int, int] | None) -> Any:
        x = layers.Conv2D(width, kernel, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        return x if pool is None else layers.AveragePooling2D(pool)(x)

    inputs = Input(SHAPE)
    picture = layers.Reshape((*SHAPE, 1))(inputs)
    x = layers.Concatenate()(
        [block(picture, 32, kernel, (2, 2)) for kernel in ((9, 1), (1, 11), (3, 3))]
    )
    x = block(x, 64, (3, 3), (2, 2))
    x = block(x, 96, (3, 3), (2, 2))
    x = block(x, 128, (3, 3), (2, 1))
    x = block(x, 160, (3, 3), (2, 1))
    x = block(x, 320, (1, 1), None)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    return Model(inputs, layers.Dense(CLASSES)(x))


def main(path: Path) -> None:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    from moodwire_convert.export import to_int8

    windows = np.random.default_rng(1).normal(size=(CALIBRATION_WINDOWS, *SHAPE))
    path.write_bytes(to_int8(build(), windows.astype(np.float32)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
