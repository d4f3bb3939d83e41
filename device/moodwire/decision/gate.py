"""From the speech score of every frame to: is somebody speaking, and is there enough to judge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from moodwire.config import Gate


class SpeechGate:
    """Opens at one score, closes at a lower one after a hangover; remembers one window.

    Once it opens, what led up to it at the lower score was speech, too: a cautious gate opens
    late, but it does not lose the beginning of what is said.
    """

    def __init__(self, settings: Gate, frame_seconds: float, window_frames: int) -> None:
        self.settings = settings
        self._frame_seconds = frame_seconds
        self._spoken = np.zeros(window_frames, dtype=bool)
        self.reset()

    def reset(self) -> None:
        self._spoken[:] = False
        self._is_open = False
        self._low_frames = 0
        self._closed_frames = 0
        self._likely_frames = 0

    def push(self, scores: NDArray[np.float32]) -> bool:
        """Whether the gate was open in any of these frames."""
        kept, opened, spoken, led_up = len(self._spoken), False, [], []
        for score in scores.tolist():
            was_open = self._is_open
            opened |= self._step(score)
            spoken.append(self._is_open and self._low_frames == 0)
            if self._is_open and not was_open:
                end = kept + len(spoken)
                led_up.append(slice(max(0, end - self._likely_frames), end))
        joined = np.concatenate((self._spoken, np.array(spoken, dtype=bool)))
        for stretch in led_up:
            joined[stretch] = True
        self._spoken = joined[-kept:]
        return opened

    @property
    def spoken(self) -> float:
        """Seconds of speech in the present window."""
        return float(self._spoken.sum()) * self._frame_seconds

    @property
    def worth_judging(self) -> bool:
        """While somebody speaks and shortly after: then a short utterance is seen whole."""
        lingers = self._closed_frames * self._frame_seconds <= self.settings.linger
        return lingers and self.spoken >= self.settings.minimum_speech

    def _step(self, score: float) -> bool:
        self._likely_frames = self._likely_frames + 1 if score >= self.settings.exit else 0
        if score >= self.settings.enter:
            self._is_open = True
            self._low_frames = 0
        elif self._is_open and score < self.settings.exit:
            self._low_frames += 1
            if self._low_frames * self._frame_seconds > self.settings.hangover:
                self._is_open = False
        else:
            self._low_frames = 0
        self._closed_frames = 0 if self._is_open else self._closed_frames + 1
        return self._is_open
