"""What turns gradients into steps."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from moodwire_training.recipe import Recipe


@keras.saving.register_keras_serializable("moodwire")
class WarmCosine(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A straight rise, then half a cosine to zero."""

    def __init__(self, peak: float, steps: int, warm_up: float) -> None:
        self.peak, self.steps, self.warm_up = peak, steps, warm_up

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        rise = max(1.0, self.warm_up * self.steps)
        fall = ops.clip((step - rise) / (self.steps - rise), 0.0, 1.0)
        return self.peak * ops.minimum((step + 1) / rise, 0.5 * (1 + ops.cos(math.pi * fall)))

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps, "warm_up": self.warm_up}


@keras.saving.register_keras_serializable("moodwire")
class ConvolutionMuon(keras.optimizers.Muon):  # type: ignore[misc]
    """Muon that also takes convolution kernels, each as the matrix [inputs, channels].

    Keras' own leaves everything but matrices to AdamW, and here the convolutions hold nearly all
    weights. The logits stay with AdamW, as Muon's authors advise.
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) not in (2, 4) or "logits" in variable.path

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        ahead = ops.add(gradient, self.momentum * m)
        matrix = ops.reshape(ahead, (-1, ahead.shape[-1]))
        update = self.lr_adjust(lr * self.zeropower_via_newtonschulz5(matrix, self.ns_steps))
        self.assign_sub(variable, ops.reshape(update, variable.shape))


def make_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    kind = ConvolutionMuon if recipe.optimizer == "muon" else keras.optimizers.AdamW
    return kind(
        WarmCosine(recipe.learning_rate, recipe.steps, recipe.warm_up),
        weight_decay=recipe.weight_decay,
        clipnorm=recipe.clip_norm,
        use_ema=True,
        ema_momentum=recipe.average,
    )
