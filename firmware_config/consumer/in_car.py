#!/usr/bin/env python3
"""An example for whoever acts on moods in a car: believes only what is new, fresh and sure.

    /opt/moodwire/current/bin/python in_car.py --host localhost --topic 'moodwire/car/alert'

(elsewhere with any Python that has paho-mqtt 2; Debian 12's own is older).

MQTT delivers at least once, brokers keep messages for those who were away, and a car drives
through tunnels. So an alert may arrive twice, or an hour late, and turning the music down for last
night's quarrel would be worse than not at all. This consumer takes a message only if

 - it is not retained and not a double: ids of the last messages are remembered;
 - it is fresh: captured at most --stale seconds ago, by a clock that was set.

Prints one JSON line per message, taken or refused with the reason. Replace `act` by your own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

REMEMBERED = 1_000
"""Ids kept for telling doubles; more than any broker sends again at once."""

AHEAD_SECONDS = 5.0
"""So much may the sender's clock be ahead of ours."""


class Doorkeeper:
    """Says why a message is not to be acted upon; empty: it is."""

    def __init__(self, stale_seconds: float, now: Callable[[], datetime]) -> None:
        self._stale_seconds = stale_seconds
        self._now = now
        self._ids: OrderedDict[str, None] = OrderedDict()

    def refusal(self, message: dict[str, Any], retained: bool) -> str:
        if retained:
            return "retained: it tells of the past"
        identity = message["id"]
        if identity in self._ids:
            return "double"
        self._ids[identity] = None
        if len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)
        if not message["clock_synchronised"]:
            return "its device did not know the time"
        age = (self._now() - datetime.fromisoformat(message["captured"])).total_seconds()
        if age > self._stale_seconds:
            return f"stale: {age:.0f} s old"
        if age < -AHEAD_SECONDS:
            return f"from the future, {-age:.0f} s: one of the clocks is wrong"
        return ""


def read(payload: bytes) -> dict[str, Any] | None:
    """The message, or None for what is none: an empty probe, another program's text."""
    try:
        message = json.loads(payload)
        identity, synchronised = message["id"], message["clock_synchronised"]
        captured = datetime.fromisoformat(message["captured"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    # Without its offset from UTC a time cannot be compared with ours.
    dated = captured.utcoffset() is not None
    return (
        message if isinstance(identity, str) and isinstance(synchronised, bool) and dated else None
    )


def act(message: dict[str, Any]) -> None:
    """Here the music would be turned down."""


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--host", default="localhost")
    options.add_argument("--port", type=int, default=1883)
    options.add_argument("--topic", default="moodwire/+/alert")
    options.add_argument("--stale", type=float, default=10.0, help="seconds; default 10")
    given = options.parse_args()
    keeper = Doorkeeper(given.stale, lambda: datetime.now(UTC))

    def on_connect(client: mqtt.Client, *_: Any) -> None:
        # On every connection: the broker may have forgotten the subscription.
        client.subscribe(given.topic, qos=1)
        print(json.dumps({"subscribed": given.topic}), flush=True)

    def on_message(_: mqtt.Client, __: Any, heard: mqtt.MQTTMessage) -> None:
        message = read(heard.payload)
        if message is None:
            return
        refused = keeper.refusal(message, heard.retain)
        if not refused:
            act(message)
        told = {"id": message["id"], "mood": message.get("mood"), "taken": not refused}
        print(json.dumps({**told, "why_not": refused} if refused else told), flush=True)

    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_connect, client.on_message = on_connect, on_message
    client.connect_async(given.host, given.port)
    try:
        client.loop_forever(retry_first_connection=True)  # in a car all starts at once
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
