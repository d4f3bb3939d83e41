"""What the history page shows, computed from the store: a day, a week's heat map, this hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from starlette.exceptions import HTTPException

from moodwire.config import History
from moodwire.events import UNCERTAIN
from moodwire.history.spans import FOREVER, NoSuchDayError, bounds, by_hour, quiet_until
from moodwire.history.statistics import (
    Occasion,
    Share,
    Today,
    compare_today,
    heat_map,
    largest_share,
    occasions,
)
from moodwire.history.store import HOUR, MINUTE, HistoryStore, MoodMinute
from moodwire.history.words import CSV_HEAD, WEEKDAYS, csv_line, interval, weeks

HEAT_DAYS = 365
COLOURED = (
    *("angry", "disgust", "fear", "happy", "neutral", "sad"),
    *("calm", "surprise", "boredom", "uncertain", "quiet"),
)
SHADES = 7


@dataclass(frozen=True, slots=True)
class Cell:
    """A run of minutes with one mood, in one row of the day."""

    minute: int
    width: int
    css: str
    title: str


@dataclass(frozen=True, slots=True)
class HourRow:
    """One hour of the day."""

    hour: int
    cells: list[Cell]
    quiet: float
    """Minutes from its start that were listened to throughout; 0 where that is not known."""
    listened: str
    speech: str
    summary: str
    context: list[str]


def css(mood: str) -> str:
    return f"mood-{mood if mood in COLOURED else 'other'}"


def view(
    store: HistoryStore, settings: History, labels: Sequence[str], query: Mapping[str, str]
) -> dict[str, Any]:
    """Everything that the template names."""
    now = datetime.now()
    day = _day(query.get("day"), now.date())
    start, end = _bounds(day)
    minutes = store.moods(start, end)
    mood = query.get("mood", labels[0])
    if mood not in (*labels, UNCERTAIN):
        mood = labels[0]
    past = occasions(store.quarters(now.timestamp() - HEAT_DAYS * 24 * HOUR, FOREVER))
    return {
        "day": day,
        "today": now.date(),
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "mood": mood,
        "moods": [*labels, UNCERTAIN],
        "moods_of_day": sorted({row.mood for row in minutes}),
        "hours": _hours(store, settings, minutes, start, end),
        "context_names": [_with_unit(c.name, c.unit) for c in settings.context],
        "comparison": [_compared(today) for today in compare_today(past, now, labels)],
        "heat": _heat(past, mood),
        "weeks": weeks(store),
        "keep_days": settings.keep_days,
        "css": css,
    }


def _day(text: str | None, default: date) -> date:
    if not text:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise HTTPException(400, "A day looks like 2026-03-02.") from None


def _bounds(day: date) -> tuple[float, float]:
    try:
        return bounds(day)
    except NoSuchDayError:
        raise HTTPException(400, "There is no such day.") from None


def _hours(
    store: HistoryStore, settings: History, minutes: list[MoodMinute], start: float, end: float
) -> list[HourRow]:
    listened = store.listened(start, end)
    context = {(c.hour, c.name): c.mean for c in store.context(start, end)}
    names = [c.name for c in settings.context]
    return [
        _hour_row(
            hour,
            own,
            listened.get(hour, 0.0),
            settings.write_every,
            [f"{context[hour, n]:.1f}" if (hour, n) in context else "–" for n in names],
        )
        for hour, own in by_hour(minutes, listened).items()
    ]


def _hour_row(
    hour: int, minutes: list[MoodMinute], listened: float, write_every: float, context: list[str]
) -> HourRow:
    totals: dict[str, float] = defaultdict(float)
    for row in minutes:
        totals[row.mood] += row.seconds
    speech = sum(totals.values())
    parts = [f"{m} {s / 60:.1f} min" for m, s in sorted(totals.items(), key=lambda t: -t[1])]
    return HourRow(
        hour=datetime.fromtimestamp(hour).hour,
        cells=_cells(hour, minutes),
        quiet=quiet_until(hour, listened, datetime.now().timestamp(), write_every) / 60,
        listened=f"{min(60.0, listened / 60):.0f} min",
        speech=f"{speech / 60:.0f} min" if speech else "–",
        summary=", ".join(parts) or "no speech",
        context=context,
    )


def _cells(hour: int, minutes: list[MoodMinute]) -> list[Cell]:
    """The longest mood of each minute; neighbours of one mood become one cell."""
    leading: dict[int, MoodMinute] = {}
    for row in minutes:
        minute = (row.minute - hour) // MINUTE
        if minute not in leading or row.seconds > leading[minute].seconds:
            leading[minute] = row
    cells: list[Cell] = []
    for minute, row in sorted(leading.items()):
        last = cells[-1] if cells else None
        if last and last.css == css(row.mood) and last.minute + last.width == minute:
            cells[-1] = Cell(last.minute, last.width + 1, last.css, last.title)
        else:
            at = datetime.fromtimestamp(row.minute).strftime("%H:%M")
            cells.append(Cell(minute, 1, css(row.mood), f"{row.mood} from {at}"))
    return cells


def _heat(past: list[Occasion], mood: str) -> list[dict[str, Any]]:
    shares = heat_map(past, mood)
    largest = largest_share(shares)
    return [
        {"name": WEEKDAYS[weekday], "cells": [_heat_cell(share, largest) for share in row]}
        for weekday, row in enumerate(shares)
    ]


def _heat_cell(share: Share, largest: float) -> dict[str, Any]:
    """Shaded by its part of the largest share of the map; the number is the share itself."""
    if not share.occasions:
        return {"css": "empty", "text": "", "title": "no speech heard", "occasions": 0}
    shade = 1 + round((SHADES - 1) * share.value / (largest or 1.0))
    return {
        "css": f"share-{shade}" + (" thin" if share.occasions < 3 else ""),
        "text": f"{100 * share.value:.0f}",
        "title": f"{interval(share)}, {share.occasions} occasions, {share.minutes:.0f} min",
        "occasions": share.occasions,
    }


def _compared(today: Today) -> dict[str, str]:
    verdict = {True: "yes", False: "no", None: "too few days to say"}[today.differs]
    days = today.usual.occasions
    return {
        "mood": today.mood,
        "today": f"{100 * today.share:.0f} %",
        "usual": f"{interval(today.usual)}, {days} days" if days else "not known yet",
        "verdict": verdict,
    }


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def csv_rows(store: HistoryStore) -> Iterator[str]:
    """The whole history, a day at a time: a year would fill the memory, and each piece that is
    handed over costs the server more than a row does."""
    yield CSV_HEAD
    span = store.span()
    if span is None:
        return
    for start in range(span[0], span[1] + 1, 24 * HOUR):
        if rows := store.moods(start, start + 24 * HOUR):
            yield "".join(map(csv_line, rows))


def span_to_forget(what: str, day: str) -> tuple[float, float]:
    """UTC times between which the history is to be forgotten."""
    now = datetime.now().timestamp()
    if what == "hour":
        return now - HOUR, now + MINUTE
    if what == "day":
        return _bounds(_day(day, date.today()))
    if what == "everything":
        return 0.0, FOREVER
    raise HTTPException(400, "What to forget is one of: hour, day, everything.")
