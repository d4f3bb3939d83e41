"""Broker killed, daemon killed: what was captured is delivered, and doubles share an id."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tones
from broker import HANDS_ON_AT_ONCE, WAIT_SECONDS, Broker, Subscriber
from daemon import ALWAYS_OPEN, ROOT, DaemonProcess

from moodwire.backoff import LONGEST_SECONDS
from moodwire.config import Config, Decision, Gate
from moodwire.model import load_bundle
from moodwire.pipeline import Pipeline

pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]

EVENT = f"{ROOT}/event"
EVENTS = 200
QUICK = {
    "habit": 0.0, "smoothing": 0.0, "onset_windows": 1, "onset_votes": 1, "minimum_duration": 0.0,
    "hold": 0.0, "refractory": 0.0, "untold": [],
}  # fmt: skip
"""A mood begins and ends with the tone that makes it."""


def conversation(moods: int, seed: int) -> np.ndarray:
    """One tone after the other, with pauses that end each mood."""
    labels = [label for label in tones.HERTZ if label != "neutral"]
    pause = 0.001 * np.random.default_rng(seed).standard_normal(16_000 * 4)
    parts: list[np.ndarray] = []
    for number in range(moods):
        parts += [tones.tone(labels[number % len(labels)], 2.5, seed=number), pause]
    return np.concatenate(parts).astype(np.float32)


def changes_in(samples: np.ndarray) -> tuple[int, int]:
    """How many events the same pipeline makes of it, without daemon and broker: before its end,
    and with those that its end makes."""
    settings = {key: tuple(v) if isinstance(v, list) else v for key, v in QUICK.items()}
    config = Config(decision=Decision(**settings), gate=Gate(**ALWAYS_OPEN))
    pipeline = Pipeline(load_bundle(tones.BUNDLE), config)
    before = sum(len(each.changes) for each in pipeline.push(samples, 0.0))
    return before, before + sum(len(each.changes) for each in pipeline.reset(0.0))


def events_by_run(heard: Subscriber) -> dict[str, dict[int, dict[str, Any]]]:
    """Run -> sequence -> event; events that came twice must be the same event."""
    runs: dict[str, dict[int, dict[str, Any]]] = {}
    for message in list(heard.messages):
        if message.topic != EVENT:
            continue
        told = json.loads(message.payload)
        run, _, sequence = told["id"].partition("-")
        known = runs.setdefault(run, {}).setdefault(int(sequence), told)
        assert known["mood_id"] == told["mood_id"] and known["captured"] == told["captured"]
    return runs


def newest_of_two(runs: dict[str, dict[int, dict[str, Any]]]) -> int:
    """Events of the second run."""
    return len(list(runs.values())[1]) if len(runs) > 1 else 0


def test_broker_and_daemon_are_killed_during_200_events_and_none_is_lost(
    make_daemon: Callable[..., DaemonProcess], make_broker: Callable[..., Broker]
) -> None:
    broker = make_broker(more=HANDS_ON_AT_ONCE)
    first, second = conversation(60, seed=1), conversation(60, seed=2)
    before_the_end, expected = changes_in(second)
    assert changes_in(first)[1] + expected >= EVENTS
    settings = {"decision": QUICK, "outbox": {"store": "disk"}}
    with Subscriber(broker, session="consumer") as heard:
        daemon = make_daemon(broker, piped=True, **settings)
        daemon.feed(first[: len(first) // 3])
        heard.topic(EVENT)
        broker.kill()
        daemon.feed(first[len(first) // 3 :])  # returns when all but the pipe's rest was taken
        daemon.kill()
        daemon = make_daemon(broker, piped=True, **settings)
        daemon.feed(second)
        broker.start()
        daemon.wait_for_log("is back after", timeout=2 * LONGEST_SECONDS)
        heard.wait(
            lambda each: (
                each.topic == EVENT and newest_of_two(events_by_run(heard)) >= before_the_end
            )
        )
        daemon.end_of_input()
        assert daemon.process.wait(WAIT_SECONDS) == 0
        heard.topic(f"{ROOT}/availability", b"offline")

        runs = events_by_run(heard)
        assert len(runs) == 2, "two runs, each with its own ids"
        killed, complete = runs.values()
        assert len(complete) == expected, "the run that came to its end lost nothing"
        for told in runs.values():
            assert sorted(told) == list(range(len(told))), "no gap in the sequence"
        assert len(killed) > 50, "events of the killed run came after its death"
        assert any(event["delayed"] for event in killed.values())
