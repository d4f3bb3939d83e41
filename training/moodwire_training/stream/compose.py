"""Long streams with the truth beside them, composed by seed: the same on every machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from moodwire_training.folds import read_plan
from moodwire_training.gate import scenes
from moodwire_training.gate.material import (
    ACCEPTANCE,
    HUMAN,
    RATE,
    Recording,
    Samples,
    read,
    role_of,
)
from moodwire_training.gate.scenes import HOP, sounding_level, spoken_frames
from moodwire_training.surroundings import Role

Kind = Literal["noise", "human noise", "plain", "moods"]

MOODS = ("angry", "disgust", "fear", "happy", "sad")

SPEECH_LEVEL = 0.05
"""Root mean square of speech: -26 dB of full scale, somebody two metres away."""

PASSAGE_SECONDS = (4.0, 10.0)


@dataclass(frozen=True)
class Segment:
    """What happens between two moments, in seconds; `mood` is `neutral` for plain speech."""

    start: float
    end: float
    mood: str
    speaker: str = ""


@dataclass(frozen=True)
class Stream:
    """Sound of one kind, and where somebody speaks in it and how."""

    kind: Kind
    samples: Samples
    segments: tuple[Segment, ...]
    home: int = 0
    """Streams of one home are heard by one device, one after the other."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE


@dataclass(frozen=True)
class Cast:
    """Who and what may be heard."""

    acted: tuple[Recording, ...]
    plain: tuple[Recording, ...]
    noise: tuple[Recording, ...]
    rooms: tuple[Recording, ...]


def cast(found: Sequence[Recording], role: Role, left_out: frozenset[str]) -> Cast:
    """Nobody and nothing of another role, and acted speech only of `left_out`.

    Those are the speakers whom the mood model has not heard; readers of LibriSpeech in these
    roles are left out of its training too (plans/streams.toml), as are their rooms. Of noise it
    has heard every long background, so that only ESC-50 is left.
    """
    ours = [r for r in found if role_of(r) == role]
    return Cast(
        tuple(r for r in ours if r.speaker in left_out),
        tuple(r for r in ours if r.corpus == "speech"),
        tuple(r for r in ours if r.corpus == "noise" and r.fold),
        tuple(r for r in ours if r.corpus == "rooms"),
    )


def left_out_by(plan: str, training: str) -> frozenset[str]:
    """Speakers on whom settings may be chosen: those that a training left out."""
    return frozenset(read_plan(plan).training(training).test) - ACCEPTANCE


HOME_STREAMS = 12
"""Of each kind that one device hears: an hour."""


def streams(cast_: Cast, seed: int, minutes: float, voices: int = 0) -> Iterator[Stream]:
    """Of each kind so many minutes, in streams of five, one of each kind in turn.

    `voices`: how many actors live in a home, and as many who only read aloud; 0: anybody may come
    in at any time. After an hour of each kind comes another home.
    """
    kinds: tuple[Kind, ...] = ("noise", "human noise", "plain", "moods")
    for part in range(max(1, round(minutes / 5))):
        home = part // HOME_STREAMS
        present = household(np.random.default_rng((seed, home)), cast_, voices) if voices else cast_
        for number, kind in enumerate(kinds):
            wanted = minutes / 6 if kind == "human noise" else minutes
            if part < max(1, round(wanted / 5)):
                rng = np.random.default_rng((seed, number, part))
                seconds = 300.0 if wanted >= 5 else 60 * wanted
                yield replace(compose(rng, present, kind, seconds), home=home)


def household(rng: np.random.Generator, cast_: Cast, voices: int) -> Cast:
    """So many of the actors, and of the readers; strangers who say a phrase still come in."""

    def some(of: Iterable[Recording]) -> set[str]:
        names = sorted({recording.speaker for recording in of})
        return {names[i] for i in rng.permutation(len(names))[:voices]}

    actors = some(cast_.acted)
    readers = some(r for r in cast_.plain if _reads(r))
    return replace(
        cast_,
        acted=tuple(r for r in cast_.acted if r.speaker in actors),
        plain=tuple(r for r in cast_.plain if r.speaker in readers or not _reads(r)),
    )


def _reads(recording: Recording) -> bool:
    return recording.path.parent.name == "LibriSpeech"


def compose(rng: np.random.Generator, cast_: Cast, kind: Kind, seconds: float) -> Stream:
    length = int(seconds * RATE) // HOP * HOP
    if kind in ("noise", "human noise"):
        is_human = kind == "human noise"
        chosen = [r for r in cast_.noise if (r.category in HUMAN) == is_human]
        return Stream(kind, background(rng, chosen, length, loud=True), ())
    voice, segments = np.zeros(length, dtype=np.float32), []
    sayings = _plain_talk(rng, cast_) if kind == "plain" else _moods(rng, cast_)
    free = 3.0
    for mood, speaker, saying in sayings:
        start, end = int(free * RATE), int(free * RATE) + len(saying)
        if end > length - 3 * RATE:
            break
        voice[start:end] = saying
        segments.append(Segment(start / RATE, end / RATE, mood, speaker))
        free = end / RATE + rng.uniform(2.0, 10.0)
    if rng.random() < 0.5:
        voice = _in_room(voice, read(cast_.rooms[int(rng.integers(len(cast_.rooms)))].path))
    chosen = [r for r in cast_.noise if r.category not in HUMAN]
    noise = background(rng, chosen, length, loud=False)
    gain = 10 ** (rng.uniform(-12, 6) / 20)
    heard = np.clip(gain * (voice + noise), -1, 1).astype(np.float32)
    return Stream(kind, heard, tuple(segments))


def background(
    rng: np.random.Generator, noise: Sequence[Recording], length: int, loud: bool
) -> Samples:
    """Sounds after one another, with and without pauses, over the hiss of a quiet room.

    `loud`: as loud as speech and more, nothing else is heard; otherwise 10 to 30 dB below it.
    """
    out = scenes.coloured_noise(rng, length) * np.float32(SPEECH_LEVEL * 10 ** (-45 / 20))
    free = 0
    while free < length - RATE:
        chosen = noise[int(rng.integers(len(noise)))]
        span = min(int(rng.uniform(4, 20) * RATE), length - free)
        sound = scenes.recorded_noise(rng, chosen, span)
        decibels = rng.uniform(-20, 6) if loud else -rng.uniform(10, 30)
        level = SPEECH_LEVEL * 10 ** (decibels / 20) / (sounding_level(sound) + 1e-9)
        out[free : free + span] += np.float32(level) * sound
        free += span + int(rng.choice([0, 0, 2, 10]) * RATE)
    return np.asarray(np.clip(out, -1, 1), dtype=np.float32)


def _moods(rng: np.random.Generator, cast_: Cast) -> Iterator[tuple[str, str, Samples]]:
    """Passages in one mood by one voice; every other one neutral, where the voice has it."""
    voices: dict[str, dict[str, list[Recording]]] = defaultdict(lambda: defaultdict(list))
    for recording in cast_.acted:
        voices[recording.speaker][recording.emotion].append(recording)
    speakers = sorted(voices)
    while True:
        speaker = speakers[int(rng.integers(len(speakers)))]
        moods = [mood for mood in MOODS if mood in voices[speaker]]
        for mood in (str(rng.choice(moods)), "neutral"):
            clips = voices[speaker].get(mood)
            if clips:
                yield mood, speaker, _passage(rng, clips)


def _plain_talk(rng: np.random.Generator, cast_: Cast) -> Iterator[tuple[str, str, Samples]]:
    """Reading aloud and everyday phrases, in turn."""
    readers = [r for r in cast_.plain if _reads(r)]
    phrases = [r for r in cast_.plain if not _reads(r)]
    while True:
        reader = readers[int(rng.integers(len(readers)))]
        yield "neutral", reader.speaker, _level(read(reader.path))
        yield "neutral", "", _passage(rng, [phrases[int(rng.integers(len(phrases)))]], 0.0)


def _passage(
    rng: np.random.Generator, clips: Sequence[Recording], seconds: float | None = None
) -> Samples:
    """Clips after one another without the silence around them, with breaths between them."""
    wanted = rng.uniform(*PASSAGE_SECONDS) if seconds is None else seconds
    pieces: list[NDArray[np.float32]] = []
    total = 0.0
    while not pieces or total < wanted:
        clip = read(clips[int(rng.integers(len(clips)))].path)
        spoken = np.flatnonzero(spoken_frames(clip))
        said = clip[spoken[0] * HOP : (spoken[-1] + 1) * HOP] if len(spoken) else clip
        pause = np.zeros(int(rng.uniform(0.15, 0.5) * RATE), dtype=np.float32)
        pieces += [_level(said), pause]
        total += (len(said) + len(pause)) / RATE
    return np.concatenate(pieces[:-1])


def _level(samples: Samples) -> Samples:
    return np.asarray(samples * (SPEECH_LEVEL / (sounding_level(samples) + 1e-9)), np.float32)


def _in_room(voice: Samples, room: Samples) -> Samples:
    """The direct sound keeps its place in time, and speech its level."""
    direct = room[int(np.abs(room).argmax()) :]
    heard = scipy.signal.oaconvolve(voice, direct)[: len(voice)]
    return _level(heard) if heard.any() else voice
