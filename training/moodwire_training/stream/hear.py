"""Streams through the device's own pipeline: what it heard in every hop, kept for replays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from moodwire.config import Config, Decision, Gate
from moodwire.decision.decider import Decider
from moodwire.decision.gate import SpeechGate
from moodwire.decision.observation import Observation, Window
from moodwire.features import FrontendSpec
from moodwire.model import Bundle
from moodwire.pipeline import Pipeline
from moodwire.speech import SpeechScorer
from moodwire_training.gate.material import RATE
from moodwire_training.stream.compose import Kind, Segment, Stream

BLOCK = RATE // 10
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Heard:
    """A stream without its sound: the truth, and what gate and model made of every hop."""

    kind: Kind
    seconds: float
    segments: tuple[Segment, ...]
    spec: FrontendSpec
    windows: tuple[Window, ...]
    scores: tuple[Floats, ...]
    """Speech scores of the frames of each hop."""


class Listening:
    """The device's scorer, overheard."""

    def __init__(self, bundle: Bundle) -> None:
        self._scorer = SpeechScorer(bundle.spec)
        self.said: list[Floats] = []

    def push(self, samples: Floats, logmel: Floats) -> Floats:
        scores = self._scorer.push(samples, logmel)
        self.said.append(scores)
        return scores

    def reset(self) -> None:
        self._scorer.reset()


def hear(stream: Stream, bundle: Bundle, config: Config) -> tuple[Heard, list[Observation]]:
    """The samples come in pieces of 0.1 s, as a microphone would bring them."""
    scorer = Listening(bundle)
    pipeline = Pipeline(bundle, config, scorer=scorer)
    told: list[Observation] = []
    for start in range(0, len(stream.samples), BLOCK):
        told += pipeline.push(stream.samples[start : start + BLOCK], start / RATE)
    told += pipeline.reset(stream.seconds)
    windows = tuple(seen.window for seen in told[:-1])
    scores = tuple(scorer.said)
    heard = Heard(stream.kind, stream.seconds, stream.segments, bundle.spec, windows, scores)
    return heard, told


def gated(heard: Heard, settings: Gate) -> Heard:
    """As a stricter gate would have it: what it would not have judged is left out."""
    gate = SpeechGate(settings, heard.spec.frame_seconds, heard.spec.window_frames)
    windows = []
    for window, scores in zip(heard.windows, heard.scores, strict=True):
        speech = gate.push(scores)
        judged = window.probabilities if gate.worth_judging else None
        windows.append(replace(window, speech=speech, probabilities=judged, spoken=gate.spoken))
    return replace(heard, windows=tuple(windows))


def decide(
    heard: Heard, labels: Sequence[str], settings: Decision, advice: Mapping[str, float]
) -> list[Observation]:
    """The same windows under other settings, without hearing them again."""
    decider = Decider(labels, settings, (), advice)
    told = [decider.step(window) for window in heard.windows]
    return [*told, decider.stop(heard.seconds)]


def judged_share(heard: Iterable[Heard]) -> float:
    """Share of the hops in which the model was asked."""
    all_windows = [window for each in heard for window in each.windows]
    return float(np.mean([window.probabilities is not None for window in all_windows]))
