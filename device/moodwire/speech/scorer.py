"""Is somebody speaking? A score for every log-mel frame, for next to nothing in silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from moodwire.features.spec import FrontendSpec, SpecError
from moodwire.speech.cues import GROUP, Cues
from moodwire.speech.network import Network, Weights, shipped

Array = NDArray[np.float32]

TRAINED_ON = FrontendSpec(kind="logmel", normalisation="none")
MATTERS = (
    *("version", "sample_rate", "frame_length", "hop_length", "fft_length"),
    *("mel_scale", "mel_bands", "mel_low_hz", "mel_high_hz"),
)
"""What of a spec the raw frames depend on."""


class SpeechScorer:
    """Pushed raw log-mel frames, returns a speech score 0..1 for each of them.

    Frames are judged in groups of GROUP, and the frame number alone decides its group, so the
    scores are the same however the stream was cut. A frame has the score of the newest group
    that was complete when it came.
    """

    def __init__(self, spec: FrontendSpec, weights: Weights | None = None) -> None:
        check_frames(spec)
        self._cues = Cues(spec.mel_bands)
        self._network = Network(weights or shipped("default"), spec.mel_bands)
        self._carry = np.empty((GROUP, spec.mel_bands), dtype=np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard, as if newly made."""
        self._cues.reset()
        self._network.reset()
        self._carried = 0
        self._score = np.float32(0.0)

    def push(self, logmel: Array) -> Array:
        """Scores of these frames, oldest first."""
        carried, count = self._carried, len(logmel)
        complete = (carried + count) // GROUP
        scores = np.empty(complete + 1, dtype=np.float32)
        scores[0] = self._score
        if complete:
            taken = complete * GROUP - carried
            groups = np.concatenate((self._carry[:carried], logmel[:taken]))
            scores[1:] = self._network.push(*self._cues.push(groups.reshape(complete, GROUP, -1)))
            self._score = scores[-1]
            self._carried, logmel = 0, logmel[taken:]
        self._carry[self._carried : self._carried + len(logmel)] = logmel
        self._carried += len(logmel)
        return scores.repeat(GROUP)[carried + 1 : carried + 1 + count]


def check_frames(spec: FrontendSpec) -> None:
    """The weights know one kind of frame; others would be nonsense to them."""
    for name in MATTERS:
        found, needed = getattr(spec, name), getattr(TRAINED_ON, name)
        if found != needed:
            raise SpecError(
                f"{name} is {found!r}; the speech gate was trained on {needed!r}: "
                "train one for these frames with `moodwire-train gate`"
            )
