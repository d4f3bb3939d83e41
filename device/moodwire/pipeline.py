"""Samples in, observations out: the one pipeline behind `run`, `listen`, `replay` and `classify`.

It owns no thread, clock, file or socket; time comes in with the samples. Samples are worked on a
hop at a time and only so, hence what comes out does not depend on how the stream was cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from moodwire.config import Config
from moodwire.decision.decider import Decider
from moodwire.decision.gate import SpeechGate
from moodwire.decision.loudness import Loudness
from moodwire.decision.observation import Observation, Window
from moodwire.features import FeatureWindow, FrontendSpec, MelStream, warp_matrix
from moodwire.model import Bundle, Classifier
from moodwire.speech import SpeechScorer

Array = NDArray[np.float32]

TIME_DIGITS = 7
"""Times are kept to a tenth of a microsecond, so that they do not depend on the arithmetic."""


class ScoresSpeech(Protocol):
    """What scores the frames that samples complete, in order, from 0 (none) to 1 (speech)."""

    def push(self, samples: Array, logmel: Array, /) -> Array: ...

    def reset(self) -> None: ...


class Pipeline:
    """Pushed samples, returns what each hop told.

    Before the first sample there was silence: an unfilled window is judged as one that began
    with silence, which is what the model was trained on and what `classify` does to short clips.
    """

    def __init__(
        self, bundle: Bundle, config: Config, *, scorer: ScoresSpeech | None = None
    ) -> None:
        self.spec: FrontendSpec = bundle.spec
        self.labels: tuple[str, ...] = bundle.labels
        self.inferences = 0
        self._classifier = Classifier(bundle)
        self._scorer = scorer or SpeechScorer(self.spec)
        self._mel = MelStream(self.spec)
        self._window = FeatureWindow(self.spec)
        self._gate = SpeechGate(config.gate, self.spec.frame_seconds, self.spec.window_frames)
        self._loudness = Loudness()
        self._decider = Decider(
            self.labels, config.decision, config.alert, bundle.manifest.thresholds
        )
        self._config = config
        self._hop = np.empty(0, dtype=np.float32)
        self._start()

    def push(self, samples: Array, time: float) -> list[Observation]:
        """`time`: monotonic seconds of the first of these samples."""
        fresh = np.asarray(samples, dtype=np.float32)
        if fresh.ndim != 1:
            raise ValueError(f"samples have {fresh.ndim} dimensions; one channel is needed")
        told, taken = [], 0
        while taken < len(fresh):
            room = min(len(self._hop) - self._filled, len(fresh) - taken)
            self._hop[self._filled : self._filled + room] = fresh[taken : taken + room]
            self._filled += room
            taken += room
            if self._filled == len(self._hop):
                end = round(time + taken / self.spec.sample_rate, TIME_DIGITS)
                told.append(self._finish_hop(end))
        return told

    def reset(self, time: float) -> list[Observation]:
        """A gap, a mute, another source, the end: ends what holds, forgets what was heard."""
        last = self._decider.stop(time)
        self._mel.reset()
        self._scorer.reset()
        self._gate.reset()
        self._loudness.reset()
        self._start()
        return [last]

    def reconfigure(self, config: Config) -> None:
        """Other thresholds, times, gate or rules without losing what was heard."""
        self._decider.configure(config.decision, config.alert)
        self._gate.settings = config.gate
        if config.decision.views != self._config.decision.views:
            self._views = _in_turn(self.spec, config)
        self._config = config

    def _start(self) -> None:
        spec = self.spec
        silence = np.full((spec.window_frames, spec.mel_bands), np.log(spec.power_floor))
        self._window.reset()
        self._window.append(silence.astype(np.float32))
        self._views = _in_turn(spec, self._config)
        self._new_hop()

    def _new_hop(self) -> None:
        samples = hop_frames(self.spec, self._config) * self.spec.hop_length
        if len(self._hop) != samples:
            self._hop = np.empty(samples, dtype=np.float32)
        self._filled = 0

    def _finish_hop(self, time: float) -> Observation:
        hop = self._hop
        power = float(np.dot(hop, hop)) / len(hop)
        if not np.isfinite(power):
            hop = np.clip(np.nan_to_num(hop), -1.0, 1.0)
            power = float(np.dot(hop, hop)) / len(hop)
        logmel = self._mel.push(hop)
        self._window.append(logmel)
        speech = self._gate.push(self._scorer.push(hop, logmel))
        level, snr = self._loudness.push(power, len(hop) / self.spec.sample_rate, speech)
        probabilities, view = None, next(self._views)
        if self._gate.worth_judging:
            probabilities = self._classifier.probabilities(self._window.features(view))
            self.inferences += 1
        self._new_hop()
        return self._decider.step(
            Window(time, speech, level, snr, probabilities, self._gate.spoken)
        )


def _in_turn(spec: FrontendSpec, config: Config) -> Iterator[Array | None]:
    """What to warp each window by: a mood that is there shows from any throat.

    Also while nothing is judged, so that what is heard does not depend on when the gate opened.
    """
    return cycle(None if view == 1.0 else warp_matrix(spec, view) for view in config.decision.views)


def hop_frames(spec: FrontendSpec, config: Config) -> int:
    """Frames between windows: the setting, rounded to whole frames."""
    return max(1, round(config.decision.hop / spec.frame_seconds))
