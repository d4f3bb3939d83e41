"""What is usual at an hour, and whether today differs: smoothed shares that own their doubt.

Minutes of one conversation are not independent of each other, so a date's hour counts as one
occasion, however long people spoke in it. Shares of an hour-by-weekday cell are drawn towards the
share over all hours by PRIOR_OCCASIONS, and carry a Wilson interval over the occasions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from math import sqrt

from moodwire.history.store import MoodQuarter

PRIOR_OCCASIONS = 2.0
"""How many occasions' worth of the overall share every cell starts with."""

ENOUGH_OCCASIONS = 5
"""Fewer earlier occasions than this, and nothing is said about today."""

LEAST_SECONDS = 30.0
"""An hour with less speech than this is no occasion."""

Z = 1.96  # 95 %


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the speech had a mood: an estimate with its interval and what it rests on."""

    value: float
    low: float
    high: float
    occasions: int
    minutes: float


@dataclass(frozen=True, slots=True)
class Today:
    """This hour beside the same hour of earlier days."""

    mood: str
    share: float
    usual: Share
    differs: bool | None
    """None: too few earlier occasions to say."""


@dataclass(slots=True)
class Occasion:
    """One hour of one date in which people spoke."""

    day: date
    weekday: int
    hour: int
    seconds: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    def share(self, mood: str) -> float:
        return self.seconds.get(mood, 0.0) / self.total


def occasions(quarters: Iterable[MoodQuarter]) -> list[Occasion]:
    """Hours of local time with enough speech."""
    found: dict[tuple[date, int], Occasion] = {}
    for row in quarters:
        when = datetime.fromtimestamp(row.start)
        key = (when.date(), when.hour)
        if key not in found:
            found[key] = Occasion(when.date(), when.weekday(), when.hour, defaultdict(float))
        found[key].seconds[row.mood] += row.seconds
    return [occasion for occasion in found.values() if occasion.total >= LEAST_SECONDS]


def estimate(of: list[Occasion], mood: str, overall: float) -> Share:
    """Share of a mood over occasions, drawn towards the overall share."""
    count = len(of)
    seen = sum(occasion.share(mood) for occasion in of)
    weight = count + PRIOR_OCCASIONS
    value = (seen + PRIOR_OCCASIONS * overall) / weight
    centre = (value + Z * Z / (2 * weight)) / (1 + Z * Z / weight)
    reach = Z * sqrt(value * (1 - value) / weight + Z * Z / (4 * weight**2)) / (1 + Z * Z / weight)
    minutes = sum(occasion.total for occasion in of) / 60
    return Share(value, max(0.0, centre - reach), min(1.0, centre + reach), count, minutes)


def overall_share(of: list[Occasion], mood: str) -> float:
    return sum(occasion.share(mood) for occasion in of) / len(of) if of else 0.0


def heat_map(everything: list[Occasion], mood: str) -> list[list[Share]]:
    """Seven weekdays (Monday first) by 24 hours."""
    cells: dict[tuple[int, int], list[Occasion]] = defaultdict(list)
    for occasion in everything:
        cells[occasion.weekday, occasion.hour].append(occasion)
    overall = overall_share(everything, mood)
    return [
        [estimate(cells[weekday, hour], mood, overall) for hour in range(24)]
        for weekday in range(7)
    ]


def largest_share(shares: list[list[Share]]) -> float:
    """Of a heat map: what its shades are measured by."""
    return max((each.value for row in shares for each in row if each.occasions), default=0.0)


def compare_today(everything: list[Occasion], now: datetime, moods: Iterable[str]) -> list[Today]:
    """For the hour of `now`: today's shares beside the usual ones.

    What is usual is made of earlier days alone; with no occasion among them it is not known.

    Today differs where its share lies outside the range in which 95 % of single occasions would
    fall, judged by the spread of the earlier ones.
    """
    earlier = [o for o in everything if o.day < now.date()]
    same_hour = [o for o in earlier if o.hour == now.hour]
    today = [o for o in everything if o.hour == now.hour and o.day == now.date()]
    if not today:
        return []
    answers = []
    for mood in moods:
        usual = estimate(same_hour, mood, overall_share(earlier, mood))
        share = today[0].share(mood)
        answers.append(Today(mood, share, usual, _differs(share, same_hour, mood)))
    return answers


def _differs(share: float, earlier: list[Occasion], mood: str) -> bool | None:
    count = len(earlier)
    if count < ENOUGH_OCCASIONS:
        return None
    shares = [occasion.share(mood) for occasion in earlier]
    mean = sum(shares) / count
    # a spread of nothing would make any difference look certain
    deviation = max(0.05, sqrt(sum((s - mean) ** 2 for s in shares) / (count - 1)))
    return abs(share - mean) > Z * deviation * sqrt(1 + 1 / count)
