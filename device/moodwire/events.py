"""Every message that leaves the device: typed, versioned, JSON.

`moodwire schema` prints the JSON Schema of these types; consumers may rely on it. A field is
never removed or given another meaning without raising SCHEMA_VERSION.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

SCHEMA_VERSION = 1

Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Instant = Annotated[datetime, Meta(tz=True, description="UTC")]
Decibels = Annotated[float, Meta(description="dB relative to full scale; null for digital silence")]

SourceState = Literal["starting", "live", "stalled", "silent", "clipped", "muted", "lost"]
"""starting: no audio seen yet; silent: digital zeros after real audio; lost: the device is gone."""

HEARING: frozenset[SourceState] = frozenset({"live", "clipped"})
"""Source states in which a mood can be known."""

QUIET = "quiet"
"""Mood shown while nobody speaks."""

UNCERTAIN = "uncertain"
"""Mood shown while somebody speaks and no mood is clear enough."""


class Message(Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all messages carry."""

    schema: int = SCHEMA_VERSION
    device: Annotated[str, Meta(description="Device id, as in the topic")]


class Stamped(Message, frozen=True, kw_only=True, tag_field="type"):
    """A message about one moment, safe to store, queue and de-duplicate."""

    id: Annotated[str, Meta(description="Unique; a message delivered twice keeps its id")]
    sequence: Annotated[int, Meta(ge=0, description="Counts up by one per event and device run")]
    captured: Annotated[Instant, Meta(description="UTC time at which the sound was heard")]
    clock_synchronised: Annotated[
        bool, Meta(description="False: the device's clock was not yet set when it heard this")
    ]
    clock_corrected: Annotated[
        bool, Meta(description="True: heard before the clock was set; times put right afterwards")
    ] = False
    delayed: Annotated[bool, Meta(description="True: was queued while the broker was away")] = False


class MoodEvent(Stamped, frozen=True, kw_only=True, tag="mood"):
    """A mood began or ended. Both messages of one mood share `mood_id`."""

    event_type: Literal["started", "ended"]
    mood_id: Annotated[str, Meta(description="The id of the message that told the beginning")]
    mood: str
    confidence: Probability
    probabilities: dict[str, Probability]
    started: Instant
    ended: Instant | None = None
    duration: Annotated[float, Meta(ge=0, description="Seconds, from a clock that never jumps")]
    level: Decibels | None = None
    snr: Annotated[float, Meta(description="Speech over background, dB")] | None = None
    model: str
    model_hash: str


class AlertEvent(Stamped, frozen=True, kw_only=True, tag="alert"):
    """A rule of the configuration came true."""

    event_type: Annotated[str, Meta(description="Name of the rule")]
    mood: str
    confidence: Probability
    sustained: Annotated[float, Meta(ge=0, description="Seconds for which the rule held")]
    model: str
    model_hash: str


class State(Message, frozen=True, kw_only=True, tag="state"):
    """The present, retained: what a consumer that just arrived needs to know.

    While nothing is heard (muted, lost, stalled, silent, starting) all but the source is null.
    """

    mood: Annotated[
        str | None, Meta(description="One of the model's labels, `quiet` or `uncertain`")
    ]
    confidence: Probability | None
    probabilities: dict[str, Probability] | None
    speech: bool | None
    level: Decibels | None
    snr: float | None
    since: Annotated[Instant | None, Meta(description="When the present mood began")]
    source: SourceState
    model: str
    model_hash: str


class Health(Message, frozen=True, kw_only=True, tag="health"):
    """How the device itself is doing, once a minute."""

    time: Instant
    uptime: float
    source: SourceState
    frame_age: Annotated[float, Meta(description="Seconds since the last audio")] | None
    frames: int
    dropped: Annotated[int, Meta(description="Samples lost between capture and pipeline")]
    inferences: int
    inference_p95_ms: float | None
    queue: Annotated[int, Meta(description="Events waiting for the broker")]
    queue_dropped: Annotated[int, Meta(description="Events given up: queue full, or too old")]
    refused: Annotated[int, Meta(description="Messages the broker refused (rights, quota)")]
    reconnects: int
    cpu_temperature: float | None
    clock_synchronised: bool
    version: str
    model: str
    model_hash: str


class CommandResult(Message, frozen=True, kw_only=True, tag="result"):
    """The answer to a command on `set/<control>`."""

    control: str
    ok: bool
    detail: Annotated[str, Meta(description="What was done, or why not and what is allowed")]


Event = MoodEvent | AlertEvent
Outgoing = MoodEvent | AlertEvent | State | Health | CommandResult


def json_schema() -> dict[str, Any]:
    """Of every message; each is always written whole, so every property is required."""
    schema = msgspec.json.schema(Outgoing)
    for definition in schema["$defs"].values():
        definition["required"] = list(definition["properties"])
        definition["properties"]["schema"]["const"] = SCHEMA_VERSION
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": f"Moodwire messages, version {SCHEMA_VERSION}", **schema}


_encoder = msgspec.json.Encoder()


def encode(message: Message) -> bytes:
    return _encoder.encode(message)
