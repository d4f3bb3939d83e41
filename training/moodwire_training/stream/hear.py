"""Streams through the device's own pipeline: what it heard in every hop, kept for replays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from moodwire.config import Alert, Config, Decision, Gate
from moodwire.decision.decider import Decider
from moodwire.decision.gate import SpeechGate
from moodwire.decision.observation import Observation, Window
from moodwire.features import FrontendSpec
from moodwire.model import Bundle
from moodwire.pipeline import Pipeline
from moodwire.speech import SpeechScorer
from moodwire_training.gate.material import RATE
from moodwire_training.stream.compose import MOODS, Kind, Segment, Stream

BLOCK = RATE // 10

BETWEEN_SECONDS = 60.0
"""Of one device: nothing of a stream is still held when the next one begins."""

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
    home: int = 0


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


class Device:
    """In one home: what it has got used to in one stream, it knows in the next."""

    def __init__(self, bundle: Bundle, config: Config) -> None:
        self._spec = bundle.spec
        self._scorer = Listening(bundle)
        self._pipeline = Pipeline(bundle, config, scorer=self._scorer)
        self._time = 0.0

    def hear(self, stream: Stream) -> tuple[Heard, list[Observation]]:
        """The samples come in pieces of 0.1 s, as a microphone would bring them."""
        began, self._scorer.said = self._time, []
        told: list[Observation] = []
        for start in range(0, len(stream.samples), BLOCK):
            told += self._pipeline.push(stream.samples[start : start + BLOCK], began + start / RATE)
        told += self._pipeline.reset(began + stream.seconds)
        self._time += stream.seconds + BETWEEN_SECONDS
        told = since(began, told)
        windows = tuple(seen.window for seen in told[:-1])
        scores = tuple(self._scorer.said)
        heard = Heard(
            stream.kind, stream.seconds, stream.segments, self._spec, windows, scores, stream.home
        )
        return heard, told


def hear(
    streams: Iterable[Stream], bundle: Bundle, config: Config
) -> Iterator[tuple[Heard, list[Observation]]]:
    """Each home has a new device."""
    for _, streams_there in groupby(streams, key=lambda stream: stream.home):
        device = Device(bundle, config)
        yield from map(device.hear, streams_there)


def one_alert_each(labels: Sequence[str]) -> list[Alert]:
    return [Alert(name=mood, moods=[mood]) for mood in labels if mood in MOODS]


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
    heard: Iterable[Heard], labels: Sequence[str], settings: Decision, advice: Mapping[str, float]
) -> Iterator[tuple[Heard, list[Observation]]]:
    """The same windows under other settings, without hearing them again."""
    for _, heard_there in groupby(heard, key=lambda one: one.home):
        decider, began = Decider(labels, settings, (), advice), 0.0
        for one in heard_there:
            told = [decider.step(replace(w, time=began + w.time)) for w in one.windows]
            told.append(decider.stop(began + one.seconds))
            yield one, since(began, told)
            began += one.seconds + BETWEEN_SECONDS


def since(began: float, told: Iterable[Observation]) -> list[Observation]:
    """With times from the beginning of the stream."""
    return [seen.at(lambda moment: moment - began) for seen in told]


def judged_share(heard: Iterable[Heard]) -> float:
    """Share of the hops in which the model was asked."""
    all_windows = [window for each in heard for window in each.windows]
    return float(np.mean([window.probabilities is not None for window in all_windows]))
