"""The history in words and lines: what the page and the command have in common."""

from __future__ import annotations

from datetime import datetime

from moodwire.history.statistics import Share
from moodwire.history.store import HistoryStore, MoodMinute

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

CSV_HEAD = "minute,mood,seconds,confidence\n"


def csv_line(row: MoodMinute) -> str:
    return f"{when(row)},{row.mood},{row.seconds:.2f},{row.confidence:.4f}\n"


def when(row: MoodMinute) -> str:
    return datetime.fromtimestamp(row.minute).astimezone().isoformat()


def interval(share: Share) -> str:
    return f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f})"


def weeks(store: HistoryStore) -> str:
    """For how long there is a history."""
    span = store.span()
    if span is None:
        return "nothing yet"
    days = max(1, round((span[1] - span[0]) / 86_400))
    return f"{days} day{'s' if days > 1 else ''}"
