"""From samples to the frames and windows that the model sees; one implementation everywhere."""

from moodwire.features.frontend import Frontend, MelStream, frames
from moodwire.features.spec import DEFAULT_SPEC, FrontendSpec, SpecError
from moodwire.features.warp import warp_matrix
from moodwire.features.window import FeatureWindow, window_features

__all__ = [
    "DEFAULT_SPEC",
    "FeatureWindow",
    "Frontend",
    "FrontendSpec",
    "MelStream",
    "SpecError",
    "frames",
    "warp_matrix",
    "window_features",
]
