"""Figures of an always-on device: false moods, missed moods, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from moodwire.decision.observation import AlertRaised, MoodChange, Observation
from moodwire_training.stream.compose import MOODS, Segment
from moodwire_training.stream.hear import Heard

GRACE = 1.0
"""Seconds after a passage in which its mood may still be found."""

PROMPT = 4.0
"""Seconds within which a mood should be told."""

GOALS = {
    "noise.false_moods_per_hour": ("at most", 0.5),
    "plain.non_neutral_share": ("at most", 0.10),
    "moods.recall": ("at least", 0.60),
    "moods.seconds_to_detect.median": ("at most", PROMPT),
}


@dataclass
class Tally:
    """What is counted over all streams of one kind."""

    seconds: float = 0.0
    spoken_seconds: float = 0.0
    spoken_hops: int = 0
    judged_hops: int = 0
    starts: dict[str, int] = field(default_factory=dict)
    flips: int = 0
    segment_hops: int = 0
    non_neutral_hops: int = 0
    told_hops: int = 0
    wrong_hops: int = 0
    acted_hops: int = 0
    passages: dict[str, list[float | None]] = field(default_factory=dict)
    any_mood: list[float | None] = field(default_factory=list)
    alerts: dict[str, int] = field(default_factory=dict)
    alerted: dict[str, list[bool]] = field(default_factory=dict)
    """Of each passage: whether an alert told its mood."""


def score(told: Iterable[tuple[Heard, Sequence[Observation]]]) -> dict[str, Any]:
    """Figures by kind of stream."""
    tallies: dict[str, Tally] = {}
    for heard, observations in told:
        _count(tallies.setdefault(heard.kind, Tally()), heard, observations)
    return {kind: _figures(tally) for kind, tally in tallies.items()}


def _count(tally: Tally, heard: Heard, observations: Sequence[Observation]) -> None:
    tally.seconds += heard.seconds
    changes = [change for seen in observations for change in seen.changes]
    alerts = [change for change in changes if isinstance(change, AlertRaised)]
    starts = (c for c in changes if isinstance(c, MoodChange) and c.change == "started")
    for counts, told in ((tally.starts, starts), (tally.alerts, alerts)):
        for change in told:
            if change.mood in MOODS:
                counts[change.mood] = counts.get(change.mood, 0) + 1
    shown = [seen.mood for seen in observations]
    labels = [mood for mood in shown if mood in (*MOODS, "neutral")]
    tally.flips += sum(a != b for a, b in pairwise(labels))
    times = np.array([seen.window.time for seen in observations])
    for segment in heard.segments:
        first, last = np.searchsorted(times, (segment.start, segment.end))
        _count_segment(tally, segment, shown[first:last])
        within = [seen.window.probabilities is not None for seen in observations[first:last]]
        tally.spoken_hops += len(within)
        tally.judged_hops += sum(within)
        if segment.mood in MOODS:
            limit = int(np.searchsorted(times, segment.end + GRACE))
            _find(tally, segment, observations[first:limit])
            tally.alerted.setdefault(segment.mood, []).append(
                any(
                    alert.mood == segment.mood
                    and segment.start <= alert.time <= segment.end + GRACE
                    for alert in alerts
                )
            )


def _count_segment(tally: Tally, segment: Segment, shown: Sequence[str]) -> None:
    tally.spoken_seconds += segment.end - segment.start
    if segment.mood == "neutral":
        tally.segment_hops += len(shown)
        tally.non_neutral_hops += sum(mood in MOODS for mood in shown)
        return
    tally.acted_hops += len(shown)
    tally.told_hops += sum(mood in MOODS for mood in shown)
    tally.wrong_hops += sum(mood in MOODS and mood != segment.mood for mood in shown)


def _find(tally: Tally, segment: Segment, observations: Sequence[Observation]) -> None:
    """When the passage's mood, or any mood, was shown first; None where it never was."""
    fresh = [seen for seen in observations if seen.since > segment.start - GRACE]
    right = [seen.window.time for seen in fresh if seen.mood == segment.mood]
    some = [seen.window.time for seen in fresh if seen.mood in MOODS]
    delays = tally.passages.setdefault(segment.mood, [])
    delays.append(right[0] - segment.start if right else None)
    tally.any_mood.append(some[0] - segment.start if some else None)


def _figures(tally: Tally) -> dict[str, Any]:
    hours = tally.seconds / 3600
    found: dict[str, Any] = {
        "hours": round(hours, 3),
        "false_moods_per_hour": round(sum(tally.starts.values()) / hours, 2),
        "started": dict(sorted(tally.starts.items())),
    }
    if tally.alerts:
        found["alerts"] = dict(sorted(tally.alerts.items()))
    if tally.segment_hops:
        found["non_neutral_share"] = _share(tally.non_neutral_hops, tally.segment_hops)
    if tally.spoken_seconds:
        found["judged_share"] = _share(tally.judged_hops, tally.spoken_hops)
        found["spoken_minutes"] = round(tally.spoken_seconds / 60, 1)
        found["flips_per_minute"] = round(60 * tally.flips / tally.spoken_seconds, 2)
        alerts = sum(tally.alerts.values())
        found["alerts_per_hour_of_speech"] = round(3600 * alerts / tally.spoken_seconds, 2)
    if tally.passages:
        delays = [delay for each in tally.passages.values() for delay in each]
        del found["false_moods_per_hour"]
        found |= _detection(delays)
        found["recall_by_mood"] = {
            mood: _detection(each)["recall"] for mood, each in sorted(tally.passages.items())
        }
        found["alerted"] = {
            mood: _share(sum(each), len(each)) for mood, each in sorted(tally.alerted.items())
        }
        found["any_mood"] = _detection(tally.any_mood)
        found["told_share"] = _share(tally.told_hops, tally.acted_hops)
        found["risk"] = _share(tally.wrong_hops, tally.told_hops)
        found["risk_with_neutral"] = _share(
            tally.wrong_hops + tally.non_neutral_hops, tally.told_hops + tally.non_neutral_hops
        )
    return found


def _detection(delays: Sequence[float | None]) -> dict[str, Any]:
    known = [delay for delay in delays if delay is not None]
    found: dict[str, Any] = {
        "passages": len(delays),
        "recall": _share(len(known), len(delays)),
        "recall_within_4_s": _share(sum(delay <= PROMPT for delay in known), len(delays)),
    }
    if known:
        median, late = np.percentile(known, (50, 95))
        found["seconds_to_detect"] = {
            "median": round(float(median), 2),
            "p95": round(float(late), 2),
        }
    return found


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def goals(figures: dict[str, Any]) -> list[tuple[str, float, str, bool]]:
    """Each goal: its name, what was measured, what was wanted, and whether it was reached."""
    rows = []
    for name, (direction, limit) in GOALS.items():
        value: Any = figures
        for part in name.split("."):
            value = value.get(part, {}) if isinstance(value, dict) else {}
        if isinstance(value, int | float):
            reached = value <= limit if direction == "at most" else value >= limit
            rows.append((name, float(value), f"{direction} {limit:g}", bool(reached)))
    return rows
