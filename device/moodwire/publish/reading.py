"""What devices say, as lines for people; everything that arrives was written by strangers."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Any, Final

import msgspec

from moodwire.unreadable import UNREADABLE

REMEMBERED: Final = 1000
"""Ids of events, and values: what is delivered twice is shown once."""

LINE_MAXIMUM: Final = 300

Fields = dict[str, Any]


class Reader:
    """Turns messages below one prefix into lines; None for what repeats what others say."""

    def __init__(self, prefix: str) -> None:
        self._head = f"{prefix}/"
        self._order: deque[str] = deque()
        self._seen: set[str] = set()
        self._values: dict[str, str] = {}

    def line(self, topic: str, payload: bytes) -> str | None:
        device, _, what = topic.removeprefix(self._head).partition("/")
        said = self._said(what, payload)
        if said is None:
            return None
        line = f"{printable(device)}  {printable(said)}"
        is_value = what in {"source", "mood"} or what.startswith("control/")
        return None if is_value and self._is_told_again(printable(topic), line) else line

    def _is_told_again(self, topic: str, line: str) -> bool:
        """As devices tell their values once a minute."""
        if self._values.get(topic) == line:
            return True
        if len(self._values) == REMEMBERED:
            self._values.clear()
        self._values[topic] = line
        return False

    def _said(self, what: str, payload: bytes) -> str | None:
        text = payload.decode(errors="replace")
        match what:
            case "availability":
                return f"is {text}"
            case "source" | "mood":
                return f"{what}: {text}" if text else f"{what}: not known"
            case "event" | "alert" | "result" | "health":
                return self._message(what, payload)
        if what.startswith(("control/", "set/")):
            return f"{what.replace('/', ' ')}: {text}"
        return None

    def _message(self, what: str, payload: bytes) -> str | None:
        try:
            fields = msgspec.json.decode(payload, type=Fields)
            if what in {"event", "alert"} and self._is_known(fields["id"]):
                return None
            return {"event": _event, "alert": _alert, "result": _result, "health": _health}[what](
                fields
            )
        except (*UNREADABLE, LookupError, TypeError, ValueError, OverflowError):
            return f"{what} that cannot be read: {payload[:80]!r}"

    def _is_known(self, identity: str) -> bool:
        if identity in self._seen:
            return True
        self._seen.add(identity)
        self._order.append(identity)
        if len(self._order) > REMEMBERED:
            self._seen.discard(self._order.popleft())
        return False


def printable(text: str) -> str:
    """Nothing that could move the cursor or colour the terminal."""
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return shown if len(shown) <= LINE_MAXIMUM else f"{shown[: LINE_MAXIMUM - 1]}…"


def _event(fields: Fields) -> str:
    confidence = f"{fields['confidence']:.0%}"
    if fields["event_type"] == "ended":
        told = f"{fields['mood']} ended after {fields['duration']:.1f} s ({confidence})"
    else:
        told = f"{fields['mood']} began ({confidence})"
    return told + _reservations(fields)


def _alert(fields: Fields) -> str:
    held = f"{fields['mood']} for {fields['sustained']:.1f} s ({fields['confidence']:.0%})"
    return f"ALERT {fields['event_type']}: {held}{_reservations(fields)}"


def _reservations(fields: Fields) -> str:
    """What one should know before believing that this happens now."""
    notes = []
    if fields["delayed"]:
        heard = datetime.fromisoformat(fields["captured"]).astimezone()
        notes.append(f"late, heard {heard:%Y-%m-%d %H:%M:%S}")
    if not fields["clock_synchronised"] and not fields["clock_corrected"]:
        notes.append("its clock was not set")
    return f" [{'; '.join(notes)}]" if notes else ""


def _result(fields: Fields) -> str:
    return f"{fields['control']}: {'done' if fields['ok'] else 'refused'}, {fields['detail']}"


def _health(fields: Fields) -> str:
    inference = fields["inference_p95_ms"]
    parts = [
        f"up {fields['uptime'] / 3600:.1f} h",
        f"source {fields['source']}",
        f"{fields['inferences']} inferences",
        "" if inference is None else f"p95 {inference:.1f} ms",
        f"{fields['queue']} events wait" if fields["queue"] else "",
        f"{fields['queue_dropped']} events lost" if fields["queue_dropped"] else "",
        f"{fields['dropped']} samples lost" if fields["dropped"] else "",
    ]
    return "health: " + ", ".join(part for part in parts if part)
