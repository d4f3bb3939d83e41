"""From observations to messages: ids, sequence, UTC, and what is worth telling again.

Retained values are told when they change, and again with every health. Confidence and level change
with every hop: they count as changed once they moved by a step that a person could notice.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

import moodwire
from moodwire.decision.observation import AlertRaised, MoodChange, Observation, by_label
from moodwire.events import (
    HEARING,
    AlertEvent,
    CommandResult,
    Event,
    Health,
    MoodEvent,
    SourceState,
    State,
    encode,
)
from moodwire.publish.clock import Clock, Stamp, utc
from moodwire.publish.publication import Counters, Delivery, Publication
from moodwire.publish.topics import Topics

CONFIDENCE_STEP: Final = 0.05
LEVEL_STEP_DECIBELS: Final = 1.0
VALUE_INTERVAL_SECONDS: Final = 1.0
"""Between two levels, or two confidences of one mood; consumers store every one of them."""

HEALTH_SECONDS: Final = 60.0
"""How often `health` is to be told, and all values again."""

ON: Final = b"ON"
OFF: Final = b"OFF"
UNKNOWN: Final = b""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model the moods come from."""

    name: str
    hash: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Announced:
    """A mood as it was told: what is told of it later has the same id and the same beginning."""

    id: str
    began: float
    """Monotonic seconds, as in its Stamp."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the daemon knows of itself; see events.Health."""

    uptime: float
    frame_age: float | None
    frames: int
    dropped: int
    inferences: int
    inference_p95_ms: float | None
    cpu_temperature: float | None
    counters: Counters


def answer(topics: Topics, control: str, ok: bool, detail: str) -> Publication:
    """To a command on `set/<control>`."""
    message = CommandResult(device=topics.device, control=control, ok=ok, detail=detail)
    return Publication(topics.result, encode(message), Delivery.ANSWER)


class Composer:
    """Writes the messages of one run of one device. Not thread-safe; it belongs to the wiring."""

    def __init__(
        self,
        topics: Topics,
        clock: Clock,
        model: ModelIdentity,
        *,
        publish_level: bool = False,
        run: str | None = None,
    ) -> None:
        self._topics = topics
        self._clock = clock
        self._model = model
        self._publish_level = publish_level
        self._run = run or secrets.token_hex(6)
        self._sequence = 0
        self._announced: dict[str, Announced] = {}
        self._told: dict[str, bytes] = {}
        self._source: SourceState = "starting"
        self._confidence: tuple[float, float | None] | None = None
        self._level: tuple[float, float | None] | None = None
        self._state_key: object = None

    def source(self, state: SourceState) -> list[Publication]:
        """While nothing can be heard, no mood is claimed: the values are taken back."""
        self._source = state
        told = self._value(self._topics.source, state.encode())
        return told if state in HEARING else [*told, *self._take_back()]

    def retained(self) -> list[Publication]:
        """All values as they were last told: for a publisher that begins later, and once a minute,
        because a broker that died with the device says for ever what it said last."""
        return [Publication(topic, value, Delivery.VALUE) for topic, value in self._told.items()]

    def observe(self, observation: Observation) -> list[Publication]:
        """Values first, so that they are there when an event makes somebody look."""
        told: list[Publication] = []
        if self._source in HEARING:
            told += self._values(observation)
        told += [self._event(change) for change in observation.changes]
        return told

    def control(self, name: str, value: bool | float | str) -> list[Publication]:
        """The present value of something that can be set."""
        if isinstance(value, bool):
            payload = ON if value else OFF
        else:
            payload = (value if isinstance(value, str) else f"{value:g}").encode()
        return self._value(self._topics.control(name), payload)

    def result(self, control: str, ok: bool, detail: str) -> Publication:
        return answer(self._topics, control, ok, detail)

    def health(self, vitals: Vitals) -> Publication:
        now = self._clock.stamp(self._clock.monotonic())
        message = Health(
            device=self._topics.device,
            time=utc(now.wall),
            uptime=round(vitals.uptime, 1),
            source=self._source,
            frame_age=_rounded(vitals.frame_age, 2),
            frames=vitals.frames,
            dropped=vitals.dropped,
            inferences=vitals.inferences,
            inference_p95_ms=_rounded(vitals.inference_p95_ms, 2),
            queue=vitals.counters.queue,
            queue_dropped=vitals.counters.dropped,
            refused=vitals.counters.refused,
            reconnects=vitals.counters.reconnects,
            cpu_temperature=_rounded(vitals.cpu_temperature, 1),
            clock_synchronised=now.synchronised,
            version=moodwire.__version__,
            model=self._model.name,
            model_hash=self._model.hash,
        )
        return Publication(self._topics.health, encode(message), Delivery.VALUE)

    def _values(self, observation: Observation) -> list[Publication]:
        topics, window = self._topics, observation.window
        confidence = self._steady_confidence(observation)
        told = [
            *self._value(topics.mood, observation.mood.encode()),
            *self._value(
                topics.confidence, UNKNOWN if confidence is None else f"{confidence:.2f}".encode()
            ),
            *self._value(topics.speech, ON if window.speech else OFF),
        ]
        if self._publish_level and self._level_is_due(window.time, window.level):
            told += self._value(
                topics.level, UNKNOWN if window.level is None else f"{window.level:.1f}".encode()
            )
        key = (observation.mood, confidence, window.speech, self._source)
        if key != self._state_key:
            self._state_key = key
            told += self._value(topics.state, encode(self._state(observation)))
        return told

    def _take_back(self) -> list[Publication]:
        topics = self._topics
        self._state_key = self._confidence = self._level = None
        # the level also where it is not published: an earlier run may have done so
        values = [topics.mood, topics.confidence, topics.speech, topics.level]
        told = [item for topic in values for item in self._value(topic, UNKNOWN)]
        return [*told, *self._value(topics.state, encode(self._state(None)))]

    def _state(self, observation: Observation | None) -> State:
        window = observation.window if observation else None
        return State(
            device=self._topics.device,
            mood=observation.mood if observation else None,
            confidence=_rounded(observation.confidence, 3) if observation else None,
            probabilities=by_label(self._model.labels, observation.smoothed, 3)
            if observation
            else None,
            speech=window.speech if window else None,
            level=_rounded(window.level, 1) if window else None,
            snr=_rounded(window.snr, 1) if window else None,
            since=utc(self._clock.wall(observation.since)) if observation else None,
            source=self._source,
            model=self._model.name,
            model_hash=self._model.hash,
        )

    def _event(self, change: MoodChange | AlertRaised) -> Publication:
        identity = f"{self._run}-{self._sequence}"
        stamp = self._clock.stamp(change.time)
        if isinstance(change, MoodChange):
            topic = self._topics.event
            message: Event = self._mood_event(change, identity, stamp)
        else:
            topic = self._topics.alert
            message = self._alert_event(change, identity, stamp)
        self._sequence += 1
        return Publication(topic, encode(message), Delivery.EVENT, stamp)

    def _mood_event(self, change: MoodChange, identity: str, stamp: Stamp) -> MoodEvent:
        if change.change == "started":
            told = self._announced[change.mood] = Announced(identity, stamp.monotonic)
        else:
            unknown = Announced(identity, stamp.monotonic - change.duration)
            told = self._announced.pop(change.mood, unknown)
        return MoodEvent(
            device=self._topics.device,
            id=identity,
            sequence=self._sequence,
            captured=utc(stamp.wall),
            clock_synchronised=stamp.synchronised,
            event_type=change.change,
            mood_id=told.id,
            mood=change.mood,
            confidence=round(float(change.confidence), 3),
            probabilities=by_label(self._model.labels, change.probabilities, 3) or {},
            started=utc(stamp.at(told.began).wall),
            ended=utc(stamp.wall) if change.change == "ended" else None,
            duration=round(float(change.duration), 3),
            level=_rounded(change.level, 1),
            snr=_rounded(change.snr, 1),
            model=self._model.name,
            model_hash=self._model.hash,
        )

    def _alert_event(self, change: AlertRaised, identity: str, stamp: Stamp) -> AlertEvent:
        return AlertEvent(
            device=self._topics.device,
            id=identity,
            sequence=self._sequence,
            captured=utc(stamp.wall),
            clock_synchronised=stamp.synchronised,
            event_type=change.alert,
            mood=change.mood,
            confidence=round(float(change.confidence), 3),
            sustained=round(float(change.sustained), 3),
            model=self._model.name,
            model_hash=self._model.hash,
        )

    def _value(self, topic: str, payload: bytes) -> list[Publication]:
        if self._told.get(topic) == payload:
            return []
        self._told[topic] = payload
        return [Publication(topic, payload, Delivery.VALUE)]

    def _steady_confidence(self, observation: Observation) -> float | None:
        fresh, now = _rounded(observation.confidence, 2), observation.window.time
        mood_is_new = self._told.get(self._topics.mood) != observation.mood.encode()
        if mood_is_new or fresh is None or self._confidence is None:
            self._confidence = (now, fresh)
            return fresh
        told_at, told = self._confidence
        moved = told is None or abs(fresh - told) >= CONFIDENCE_STEP
        if moved and now - told_at >= VALUE_INTERVAL_SECONDS:
            self._confidence = (now, fresh)
            return fresh
        return told

    def _level_is_due(self, time: float, level: float | None) -> bool:
        if self._level is not None:
            told_at, told = self._level
            if time - told_at < VALUE_INTERVAL_SECONDS:
                return False
            if level is not None and told is not None and abs(level - told) < LEVEL_STEP_DECIBELS:
                return False
        self._level = (time, level)
        return True


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)
