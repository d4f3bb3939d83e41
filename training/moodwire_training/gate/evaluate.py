"""How much speech a gate lets through and how much noise, window by window as the device counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from moodwire.config import Config, Gate
from moodwire.decision.gate import SpeechGate
from moodwire.features import FrontendSpec
from moodwire.pipeline import hop_frames
from moodwire_training.gate import scenes
from moodwire_training.gate.material import (
    HUMAN,
    RATE,
    Recording,
    Samples,
    Side,
    corpus_of,
    read,
)
from moodwire_training.gate.scenes import HOP, Passage, Scene

FRAMES = FrontendSpec(kind="logmel", normalisation="none")
"""Of which every gate tells one score."""

Rival = Callable[[Samples], Samples]
"""A fresh gate for each recording: samples to one score per frame."""

WINDOW = FRAMES.window_frames
HOP_FRAMES = hop_frames(FRAMES, Config())
SPEECH_NEEDED = round(1.0 * RATE / HOP)
"""Frames of speech in a window before a gate is blamed for sleeping through it."""

LEAD = 2.0
"""Seconds of quiet before anything happens."""

SCENE = 11.0


@dataclass(frozen=True)
class Trial:
    """A scene, and the rows of the table that it counts in."""

    scene: Scene
    rows: tuple[str, ...]


@dataclass
class Tally:
    """Windows that passed, of those that there were; delays until the gate opened, in seconds."""

    passed: int = 0
    windows: int = 0
    delays: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "windows": self.windows,
            "passed": round(self.passed / max(1, self.windows), 4),
        }
        if self.delays:
            found["delay_median"] = round(float(np.median(self.delays)), 2)
            found["delay_p95"] = round(float(np.percentile(self.delays, 95)), 2)
        return found


def measure(
    gates: Mapping[str, Rival], trials: Iterator[Trial], settings: Mapping[str, Gate]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Table rows, then gates, then figures. Every gate hears the same scenes."""
    table: dict[str, dict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for trial in trials:
        scores = {gate: gate(trial.scene.samples) for gate in set(gates.values())}
        for name, gate in gates.items():
            opened, passes = heard(scores[gate], settings[name])
            for row in trial.rows:
                _count(table[row][name], trial.scene, opened, passes)
    return {
        row: {name: tally.summary() for name, tally in tallies.items()}
        for row, tallies in sorted(table.items())
    }


def heard(
    scores: Samples, settings: Gate
) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], np.ndarray[Any, np.dtype[np.bool_]]]:
    """For every hop: the gate was open, and the model would have been asked."""
    gate = SpeechGate(settings, FRAMES.frame_seconds, WINDOW)
    hops = len(scores) // HOP_FRAMES
    opened, passes = np.zeros(hops, bool), np.zeros(hops, bool)
    for hop in range(hops):
        opened[hop] = gate.push(scores[hop * HOP_FRAMES : (hop + 1) * HOP_FRAMES])
        passes[hop] = opened[hop] and gate.worth_judging
    return opened, passes


def _count(
    tally: Tally,
    scene: Scene,
    opened: np.ndarray[Any, np.dtype[np.bool_]],
    passes: np.ndarray[Any, np.dtype[np.bool_]],
) -> None:
    hops = len(passes)
    spoken = scene.spoken[: hops * HOP_FRAMES]
    spoken = np.pad(spoken, (0, hops * HOP_FRAMES - len(spoken)))
    if not spoken.any():
        counted = np.arange(hops) * HOP_FRAMES * HOP >= LEAD * RATE
    else:
        total = np.concatenate([np.zeros(WINDOW, int), np.cumsum(spoken)])
        ends = (np.arange(hops) + 1) * HOP_FRAMES - 1
        in_window = total[ends + WINDOW] - total[ends]
        now = spoken.reshape(hops, HOP_FRAMES).mean(axis=1) >= 0.5
        counted = now & (in_window >= SPEECH_NEEDED)
        first = int(np.flatnonzero(spoken)[0]) // HOP_FRAMES
        opening = np.flatnonzero(opened[first:])
        if len(opening):
            tally.delays.append(float(opening[0] + 1) * HOP_FRAMES * HOP / RATE)
    tally.windows += int(counted.sum())
    tally.passed += int(passes[counted].sum())


def noise_trials(rng: np.random.Generator, side: Side) -> Iterator[Trial]:
    """Every noise once, beginning after some seconds of quiet; nobody speaks."""
    for recording in side.noise:
        length = int(SCENE * RATE) // HOP * HOP
        lead = int(LEAD * RATE)
        noise = scenes.recorded_noise(rng, recording, length)
        noise = noise / np.float32(scenes.sounding_level(noise) + 1e-9)
        noise[:lead] = 0
        noise = noise + scenes.coloured_noise(rng, length) * np.float32(0.01)
        nobody = np.zeros(length // HOP, bool)
        silence = Scene(np.zeros(length, np.float32), nobody)
        scene = scenes.mixed(silence, noise, snr=0.0, gain=float(rng.uniform(-20, 6)))
        kind = HUMAN.get(recording.category)
        row = f"noise: human, {kind}" if kind else "noise"
        yield Trial(scene, (row,) if kind else (row, f"noise: {_family(recording)}"))


def _family(recording: Recording) -> str:
    if not recording.category:
        return "music and long backgrounds"
    families = ("animals", "nature", "human, no voice", "house", "street and machines")
    return families[int(recording.category) // 10]


def speech_trials(
    rng: np.random.Generator,
    side: Side,
    snr: float,
    per_group: int,
    in_rooms: bool = False,
) -> Iterator[Trial]:
    """Passages of one voice after a lead of noise, so many scenes of each corpus and mood."""
    groups: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for recording in side.speech:
        groups[corpus_of(recording), recording.emotion].append(recording)
    label = "clean" if snr > 50 else f"{snr:g} dB"
    label += " in rooms" if in_rooms else ""
    for (corpus, emotion), clips in sorted(groups.items()):
        plain = emotion == "speech"
        for _ in range(per_group * (4 if plain else 1)):
            scene = _speech_scene(rng, side, clips, snr, in_rooms)
            acted = () if plain else (f"speech {label}: {emotion}",)
            yield Trial(scene, (f"speech {label}", f"speech {label}: {corpus}", *acted))


def _speech_scene(
    rng: np.random.Generator,
    side: Side,
    clips: Sequence[Recording],
    snr: float,
    in_rooms: bool,
) -> Scene:
    length = int(SCENE * RATE) // HOP * HOP
    passages, free = [], int(LEAD * RATE)
    while free < length - 2 * RATE:
        chosen = clips[int(rng.integers(len(clips)))]
        passages.append(Passage(chosen, free // HOP * HOP))
        free += len(read(chosen.path)) + int(rng.uniform(0.2, 2.0) * RATE)
    room = None
    if in_rooms:
        place = read(side.rooms[int(rng.integers(len(side.rooms)))].path)
        room = place[int(np.abs(place).argmax()) :]
    noises = [r for r in side.noise if r.category not in HUMAN]
    noise = scenes.recorded_noise(rng, noises[int(rng.integers(len(noises)))], length)
    scene = scenes.voices(passages, length, room)
    return scenes.mixed(scene, noise, snr, gain=float(rng.uniform(-20, 6)))
