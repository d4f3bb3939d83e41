"""Judges one recording from the standard input in a process that may die of it.

The bytes go into a file that exists in memory only. Before a decoder sees them, the process gives
up priority and all the memory and time that an honest recording does not need. One line of JSON
is the answer: the judgement, or {"problem": why not}.
"""

from __future__ import annotations

import base64
import math
import os
import resource
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from moodwire.audio.file import FileSource
from moodwire.audio.source import Chunk, Samples, Source, SourceError
from moodwire.clips import ClipMood, classify_clip, clip_config
from moodwire.config import Config
from moodwire.decision.observation import Observation, by_label
from moodwire.events import QUIET, UNCERTAIN
from moodwire.features import FrontendSpec, MelStream
from moodwire.model import Bundle, load_bundle
from moodwire.pipeline import Pipeline
from moodwire.web.columns import Columns

DATA_MEGABYTES = 220
"""Two hours of talk pass: most is the interpreter's and the model's, and what grows with the length
is what was told of each hop."""

CPU_SECONDS = 90
NICENESS = 10

PEAK_SECONDS = 0.02
BLOCK_SECONDS = 1.0
SURE = 0.5
"""Where the best mood has less than this, the answer is `uncertain`."""


class TooLongError(Exception):
    """The recording goes on past what is allowed."""


def main() -> None:
    megabytes, minutes, bundle_path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    _restrain(megabytes)
    answer = os.dup(1)
    quiet = os.open(os.devnull, os.O_WRONLY)  # decoders chat on stdout and stderr
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.write(answer, msgspec.json.encode(_judge(minutes, bundle_path)) + b"\n")


def _restrain(megabytes: int) -> None:
    Path("/proc/self/oom_score_adj").write_text("1000")  # if memory ends, this is what goes
    for what, limit in (
        (resource.RLIMIT_DATA, DATA_MEGABYTES * 1_000_000),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, (megabytes + 1) * 1_000_000),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    os.nice(NICENESS)


def _judge(minutes: int, bundle_path: str) -> dict[str, Any]:
    path = f"/proc/self/fd/{_in_memory()}"
    try:
        source = FileSource(path, block_seconds=BLOCK_SECONDS)
        return judge(source, bundle_path, minutes * 60.0)
    except SourceError as error:
        reason = str(error).replace(f"{path}: ", "").replace(path, "it").rstrip(".")
        return {"problem": f"This recording cannot be read: {reason}."}
    except TooLongError:
        return {"problem": f"That recording is longer than {minutes} minutes."}
    except MemoryError:
        return {"problem": "This recording cannot be read: it needs too much memory."}


def _in_memory() -> int:
    """The standard input as a file without a name and without a disk."""
    descriptor = os.memfd_create("recording")
    while piece := os.read(0, 1 << 16):
        view = memoryview(piece)
        while view:
            view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


class WitnessedPipeline(Pipeline):
    """Keeps what it told, for the moods along the recording."""

    def __init__(self, bundle: Bundle, config: Config) -> None:
        super().__init__(bundle, config)
        self.observations: list[Observation] = []

    def push(self, samples: Samples, time: float) -> list[Observation]:
        told = super().push(samples, time)
        self.observations += told
        return told


class Witness:
    """A source that passes its chunks on and keeps what the pictures need."""

    live = False

    def __init__(self, source: Source, spec: FrontendSpec, limit: float) -> None:
        self._source = source
        self._limit = limit
        self._mel = MelStream(spec)
        self._step = round(PEAK_SECONDS * spec.sample_rate)
        self._rest = np.empty(0, dtype=np.float32)
        self._peaks = Columns()
        self._frames = Columns(spec.mel_bands)
        self.name = source.name
        self.seconds = 0.0

    @property
    def finished(self) -> bool:
        return self._source.finished

    def close(self) -> None:
        self._source.close()

    def read(self, timeout: float) -> Chunk | None:
        chunk = self._source.read(timeout)
        if chunk is not None:
            self.seconds = chunk.end
            if chunk.end > self._limit:
                raise TooLongError
            self._frames.push(self._mel.push(chunk.samples))
            heard = np.abs(np.concatenate([self._rest, chunk.samples]))
            whole = len(heard) // self._step * self._step
            self._peaks.push(heard[:whole].reshape(-1, self._step).max(axis=1))
            self._rest = chunk.samples[len(chunk.samples) - (len(heard) - whole) :]
        return chunk

    def waveform(self) -> list[int]:
        """Largest sample of each column, 0 to 255, the largest of all being 255."""
        peaks = self._peaks.columns()
        if not len(peaks):
            peaks = np.zeros(1, np.float32)
        return [round(255 * float(peak) / max(float(peaks.max()), 1e-6)) for peak in peaks]

    def spectrogram(self) -> dict[str, Any]:
        """Bands from the top down, 60 dB under the loudest cell being 0."""
        cells = self._frames.columns()
        if not len(cells):
            cells = np.full((1, self._mel.spec.mel_bands), -20.0, np.float32)
        range_nats = 60.0 / (10.0 / math.log(10.0))
        shades = 255 * np.clip(1 + (cells - cells.max()) / range_nats, 0, 1)
        pixels = np.ascontiguousarray(shades.T[::-1]).astype(np.uint8)
        height, width = pixels.shape
        text = base64.b64encode(pixels.tobytes()).decode()
        return {"width": width, "height": height, "pixels": text}


def judge(source: Source, bundle_path: str, limit: float) -> dict[str, Any]:
    """Everything that the page shows of a recording."""
    bundle = load_bundle(bundle_path)
    pipeline = WitnessedPipeline(bundle, clip_config(Config(), bundle.spec))
    witness = Witness(source, bundle.spec, limit)
    whole = classify_clip(pipeline, witness)
    heard = [seen for seen in pipeline.observations if seen.window.time <= witness.seconds]
    if not witness.seconds:
        raise SourceError("recording: there is no sound in it")
    mood = whole.mood
    if whole.confidence is not None and whole.confidence < SURE:
        mood = UNCERTAIN
    return {
        "mood": mood,
        "confidence": whole.confidence,
        "probabilities": by_label(bundle.labels, whole.probabilities, 4),
        "unsure": _doubt(whole, bundle.labels),
        "seconds": round(witness.seconds, 3),
        "model": bundle.name,
        "spans": _spans(heard, bundle.labels, witness.seconds),
        "windows": [_window(seen, bundle.labels) for seen in heard],
        "waveform": witness.waveform(),
        "spectrogram": witness.spectrogram(),
    }


def _window(seen: Observation, labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        "time": round(seen.window.time, 2),
        "mood": seen.mood,
        "speech": seen.window.speech,
        "probabilities": by_label(labels, seen.window.probabilities, 4),
    }


def _spans(
    observations: list[Observation], labels: tuple[str, ...], seconds: float
) -> list[dict[str, Any]]:
    """Runs of one likeliest mood along the recording, each with how sure the model is on average.

    Other than the mood that the device would tell, this waits for no certainty: the page shows
    doubt by colour.
    """
    spans: list[dict[str, Any]] = []
    start = 0.0
    for seen in observations:
        mood, sure = QUIET, None
        if seen.window.speech and seen.smoothed is not None:
            best = int(np.argmax(seen.smoothed))
            mood, sure = labels[best], float(seen.smoothed[best])
        end = seen.window.time
        if spans and spans[-1]["mood"] == mood:
            last = spans[-1]
            if sure is not None:
                share = (end - start) / (end - last["start"])
                last["confidence"] += share * (sure - last["confidence"])
            last["end"] = end
        else:
            spans.append({"mood": mood, "confidence": sure, "start": start, "end": end})
        start = end
    if spans:
        spans[-1]["end"] = seconds
    return spans


def _doubt(whole: ClipMood, labels: tuple[str, ...]) -> str:
    """What the model is unsure about, in words."""
    if whole.probabilities is None or whole.mood == QUIET:
        return "No speech was found in it, so the model was not asked."
    order = np.argsort(whole.probabilities)[::-1]
    first, second = (float(whole.probabilities[i]) for i in order[:2])
    others = f"{labels[order[1]]} ({100 * second:.0f} %)"
    if first < SURE:
        return (
            f"The model is unsure: {labels[order[0]]} ({100 * first:.0f} %) and {others} "
            "are the likeliest, and none is clear."
        )
    if second > first / 3:
        return f"It could also be {others}."
    return f"The next likeliest is {others}, far behind."


if __name__ == "__main__":
    main()
