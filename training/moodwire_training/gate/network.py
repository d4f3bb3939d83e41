"""The gate's network for training: the device's layers over whole scenes, in Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from moodwire.speech.cues import CUES
from moodwire.speech.network import PAIR_PATCHES, PATCH_BANDS, PATCH_STEP, REACH, Weights

LAYERS = ("patch", "pair", "look", "judge", "decide")


def gate_network(
    bands: int, patch: int, pair: int, look: int, judge: int, context: int
) -> keras.Model:
    """[scenes, groups, bands, CUES] and who is awake, [scenes, groups, 1], to logits."""
    cues = keras.Input((None, bands, CUES), name="cues")
    awake = keras.Input((None, 1), name="awake")
    padded = layers.ZeroPadding2D(((REACH, 0), (0, 0)))(cues)
    found = layers.Conv2D(
        patch, (2, PATCH_BANDS), (1, PATCH_STEP), activation="relu", name="patch"
    )(padded)
    joined = layers.Conv2D(pair, (2, PAIR_PATCHES), activation="relu", name="pair")(found)
    joined = layers.Dropout(0.1)(joined)
    seen = layers.Conv2D(look, (1, joined.shape[2]), activation="relu", name="look")(joined)
    seen = layers.Multiply()([layers.Reshape((-1, look))(seen), awake])
    past = layers.ZeroPadding1D((context - 1, 0))(seen)
    judged = layers.Conv1D(judge, context, activation="relu", name="judge")(past)
    logits = layers.Dense(1, name="decide")(layers.Dropout(0.2)(judged))
    return keras.Model([cues, awake], logits)


def device_weights(network: keras.Model) -> Weights:
    """Matrices in the device's order: what a layer sees at once in the rows."""
    found: dict[str, Any] = {}
    for name in LAYERS:
        kernel, bias = (np.asarray(array) for array in network.get_layer(name).get_weights())
        found[name] = kernel.reshape(-1, kernel.shape[-1])
        found[f"{name}_bias"] = bias
    return Weights(**found)
