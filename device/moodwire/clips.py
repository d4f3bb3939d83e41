"""One mood for a whole recording: the average over the windows in which somebody speaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from moodwire.audio.source import Source, chunks
from moodwire.config import Config
from moodwire.decision.observation import Window
from moodwire.events import QUIET
from moodwire.features import FrontendSpec
from moodwire.pipeline import Pipeline

LEAST_SPEECH = 0.2
"""Seconds of speech without which a recording counts as quiet."""

ENTER, EXIT = 0.3, 0.2
"""Somebody hands a recording over because there is speech in it: softer voices open the gate, and
keep it open."""

LEAST_SHARE = 0.8
"""Windows count that hold at least this share of the speech that the fullest one holds."""


@dataclass(frozen=True)
class ClipMood:
    """What a recording sounds like as a whole."""

    mood: str
    """A label, or `quiet` where nobody speaks."""

    confidence: float | None
    probabilities: NDArray[np.float32] | None
    seconds: float
    windows: int
    """How many windows were averaged."""


def clip_config(config: Config, spec: FrontendSpec) -> Config:
    """Every window that holds speech is judged, as it is, also those after the last word.

    So many windows of one utterance are averaged that other views of them add nothing.
    """
    window = spec.window_samples / spec.sample_rate
    enter, leave = min(config.gate.enter, ENTER), min(config.gate.exit, EXIT)
    gate = replace(config.gate, enter=enter, exit=leave, minimum_speech=LEAST_SPEECH, linger=window)
    decision = replace(config.decision, views=(1.0,))
    return replace(config, gate=gate, decision=decision)


def classify_clip(pipeline: Pipeline, source: Source) -> ClipMood:
    """A clip is heard as the device would hear it: with silence before and after it.

    So a clip that is shorter than a window is seen whole, at every place in the window where most
    of it is inside; the network was trained on just such windows. Where a clip is longer, each
    window that is mostly speech has one vote. The votes are averaged as logarithms: other than
    neighbouring windows of a stream, a clip is one utterance that is asked about once.
    """
    windows, end = [], 0.0
    for chunk in chunks(source):
        windows += [seen.window for seen in pipeline.push(chunk.samples, chunk.time)]
        end = chunk.end
    silence = np.zeros(pipeline.spec.window_samples, dtype=np.float32)
    windows += [seen.window for seen in pipeline.push(silence, end)]
    pipeline.reset(end)
    return _average(pipeline.labels, windows, end)


def _average(labels: tuple[str, ...], windows: list[Window], seconds: float) -> ClipMood:
    judged = [(w.spoken, w.probabilities) for w in windows if w.probabilities is not None]
    if not judged:
        return ClipMood(QUIET, None, None, seconds, 0)
    fullest = max(spoken for spoken, _ in judged)
    chosen = np.array([p for spoken, p in judged if spoken >= LEAST_SHARE * fullest])
    mean = np.exp(np.log(np.maximum(chosen, 1e-9)).mean(axis=0))
    probabilities = (mean / mean.sum()).astype(np.float32)
    best = int(np.argmax(probabilities))
    return ClipMood(labels[best], float(probabilities[best]), probabilities, seconds, len(chosen))
