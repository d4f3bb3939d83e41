"""The feature cache: log-mel frames of every clip, made once by the device's own front end.

Clips are cached in small files named after what went into them, so an interrupted run goes on
where it stopped, a changed clip or spec is computed anew, and nothing is ever stale.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from moodwire.features import FrontendSpec
from moodwire.features.frontend import MelStream
from moodwire_training.audio import UnusableClipError, read_audio
from moodwire_training.clips import Clip
from moodwire_training.processes import ALONE, Processes

CLIPS_PER_FILE = 128


@dataclass(frozen=True)
class Part:
    """One cache file: the frames of a few clips, what was odd about them, and which failed."""

    clips: tuple[Clip, ...]
    file: Path


@dataclass(frozen=True)
class FeatureStore:
    """Frames of all usable clips, end to end; row i of the arrays belongs to clips[i]."""

    clips: tuple[Clip, ...]
    frames: NDArray[np.float32]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    remarks: dict[str, tuple[str, ...]]
    unusable: dict[str, str]


@dataclass(frozen=True)
class Progress:
    done: int
    total: int
    seconds_left: float


def build_store(
    clips: Sequence[Clip],
    spec: FrontendSpec,
    cache: Path,
    processes: Processes = ALONE,
    report: Callable[[Progress], None] = lambda _: None,
) -> FeatureStore:
    """Compute what the cache lacks, side by side, and load everything."""
    cache.mkdir(parents=True, exist_ok=True)
    mel = mel_spec(spec)
    parts = [
        Part(chunk, cache / f"{fingerprint(chunk, mel)}.npz")
        for start in range(0, len(clips), CLIPS_PER_FILE)
        if (chunk := tuple(clips[start : start + CLIPS_PER_FILE]))
    ]
    missing = [part for part in parts if not part.file.exists()]
    if missing:
        _compute_all(missing, mel, processes, report)
    return _load(parts)


def mel_spec(spec: FrontendSpec) -> FrontendSpec:
    """The part of a spec that raw frames depend on; what follows is cheap and done in training."""
    neutral = FrontendSpec()
    return replace(
        spec,
        kind="logmel",
        coefficients=spec.mel_bands,
        normalisation="none",
        dynamic_range=neutral.dynamic_range,
        window_frames=neutral.window_frames,
    )


def fingerprint(clips: Sequence[Clip], mel: FrontendSpec) -> str:
    digest = hashlib.sha256(mel.hash.encode())
    for clip in clips:
        path = Path(clip.path)
        state = path.stat() if path.exists() else None
        size, changed = (state.st_size, state.st_mtime_ns) if state else (0, 0)
        digest.update(f"{json.dumps(asdict(clip))}{size},{changed}".encode())
    return digest.hexdigest()[:24]


def _compute_all(
    parts: Sequence[Part],
    mel: FrontendSpec,
    processes: Processes,
    report: Callable[[Progress], None],
) -> None:
    total = sum(len(part.clips) for part in parts)
    started, done = time.monotonic(), 0
    with processes.pool() as pool:
        running = {pool.submit(compute_part, part, mel): part for part in parts}
        for finished in as_completed(running):
            finished.result()
            done += len(running[finished].clips)
            elapsed = time.monotonic() - started
            report(Progress(done, total, elapsed / done * (total - done)))


def compute_part(part: Part, mel: FrontendSpec) -> None:
    frames, lengths, sums = [], [], []
    remarks: dict[str, tuple[str, ...]] = {}
    unusable: dict[str, str] = {}
    for clip in part.clips:
        try:
            samples, odd = read_audio(Path(clip.path), mel.sample_rate)
            rows = MelStream(mel).push(samples)
        except UnusableClipError as reason:
            unusable[clip.path] = str(reason)
            rows, odd, samples = np.empty((0, mel.mel_bands), np.float32), (), None
        if odd:
            remarks[clip.path] = odd
        frames.append(rows)
        lengths.append(len(rows))
        sums.append(hashlib.sha256(samples.tobytes()).hexdigest() if samples is not None else "")
    notes = json.dumps({"remarks": remarks, "unusable": unusable, "sums": sums})
    # a place of its own: another training may be making the same file
    with TemporaryDirectory(dir=part.file.parent) as scratch:
        made = Path(scratch) / part.file.name
        np.savez(made, frames=np.concatenate(frames), lengths=np.array(lengths), notes=notes)
        made.replace(part.file)


def _load(parts: Sequence[Part]) -> FeatureStore:
    clips: list[Clip] = []
    frames: list[NDArray[np.float32]] = []
    lengths: list[int] = []
    remarks: dict[str, tuple[str, ...]] = {}
    unusable: dict[str, str] = {}
    first_of: dict[str, str] = {}
    for part in parts:
        with np.load(part.file) as stored:
            notes = json.loads(str(stored["notes"]))
            frames.append(stored["frames"])
            counts = stored["lengths"]
        remarks.update({path: tuple(odd) for path, odd in notes["remarks"].items()})
        unusable.update(notes["unusable"])
        for clip, count, digest in zip(part.clips, counts, notes["sums"], strict=True):
            if not count:
                continue
            original = first_of.setdefault(digest, clip.path)
            duplicate = clip.duplicate_of or (original if original != clip.path else "")
            clips.append(replace(clip, duplicate_of=duplicate))
            lengths.append(int(count))
    if not clips:
        path, reason = next(iter(unusable.items()))
        raise ValueError(f"none of the clips can be used, the first: {path}: {reason}")
    length = np.array(lengths, dtype=np.int64)
    offset = np.cumsum(length) - length
    return FeatureStore(tuple(clips), np.concatenate(frames), offset, length, remarks, unusable)
