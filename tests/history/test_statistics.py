"""Shares of an hour are honest about how little they may rest on."""

import random
from collections import defaultdict
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zone import zone

from moodwire.history.statistics import LEAST_SECONDS, compare_today, estimate, heat_map, occasions
from moodwire.history.store import MINUTE, HistoryStore, MoodMinute, MoodQuarter

MONDAY_NOON = datetime(2026, 3, 2, 12)


def quarters(start: datetime, **seconds_by_mood: float) -> list[MoodQuarter]:
    return [
        MoodQuarter(int(start.timestamp()), mood, seconds)
        for mood, seconds in seconds_by_mood.items()
    ]


def test_one_long_talk_is_one_occasion():
    rows = [
        row for i in range(50) for row in quarters(MONDAY_NOON + timedelta(minutes=i), angry=60.0)
    ]
    cell = heat_map(occasions(rows), "angry")[0][12]
    assert cell.occasions == 1
    assert cell.minutes == pytest.approx(50.0)
    assert cell.low < 0.6  # one angry lunch proves little


def test_more_occasions_narrow_the_interval():
    weeks = [
        row
        for i in range(20)
        for row in quarters(MONDAY_NOON + timedelta(weeks=i), happy=30.0, sad=30.0)
    ]
    few = heat_map(occasions(weeks[:4]), "happy")[0][12]
    many = heat_map(occasions(weeks), "happy")[0][12]
    assert many.value == pytest.approx(0.5)
    assert many.high - many.low < few.high - few.low


def test_an_empty_cell_says_what_is_usual_overall_with_no_occasion():
    rows = quarters(MONDAY_NOON, happy=45.0, sad=15.0)
    cell = heat_map(occasions(rows), "happy")[3][4]
    assert cell.occasions == 0
    assert cell.value == pytest.approx(0.75)


@pytest.fixture(params=["UTC0", "IST-5:30", "NPT-5:45", "MART9:30"])
def somewhere(request, monkeypatch):
    with zone(monkeypatch, request.param):
        yield


@pytest.mark.usefixtures("somewhere")
def test_quarters_of_the_store_tell_what_its_minutes_would(tmp_path):
    store = HistoryStore(tmp_path / "history.sqlite")
    chance = random.Random(3)
    rows = [
        MoodMinute(int(MONDAY_NOON.timestamp()) + MINUTE * minute, mood, 60 * chance.random(), 0.8)
        for minute in sorted(chance.sample(range(40 * 24 * 60), 3_000))
        for mood in ("happy", "sad")
    ]
    store.add(rows)
    start, end = rows[7].minute, rows[-7].minute  # in the midst of quarters
    wanted = defaultdict(lambda: defaultdict(float))
    for row in rows:
        when = datetime.fromtimestamp(row.minute)
        if start <= row.minute < end:
            wanted[when.date(), when.hour][row.mood] += row.seconds
    enough = {key: each for key, each in wanted.items() if sum(each.values()) >= LEAST_SECONDS}
    found = occasions(store.quarters(start, end))
    assert [(each.day, each.hour) for each in found] == list(enough)
    assert len(found) > 800
    for each in found:
        assert each.seconds == pytest.approx(enough[each.day, each.hour])


def test_a_murmur_is_no_occasion():
    assert occasions(quarters(MONDAY_NOON, happy=5.0)) == []


@given(
    st.lists(st.tuples(st.floats(0.0, 60.0), st.floats(30.0, 60.0)), max_size=30),
    st.floats(0.0, 1.0),
)
def test_a_share_lies_inside_its_interval_inside_zero_and_one(pairs, overall):
    rows = [
        row
        for i, (happy, sad) in enumerate(pairs)
        for row in quarters(MONDAY_NOON + timedelta(days=i), happy=happy, sad=sad)
    ]
    share = estimate(occasions(rows), "happy", overall)
    assert 0.0 <= share.low <= share.value + 1e-9
    assert share.value - 1e-9 <= share.high <= 1.0


def days(count: int, **seconds: float) -> list[MoodQuarter]:
    return [
        row
        for back in range(1, count + 1)
        for row in quarters(MONDAY_NOON - timedelta(days=back), **seconds)
    ]


def test_today_differs_only_after_enough_days_and_only_if_it_does():
    angry_today = quarters(MONDAY_NOON, angry=55.0, neutral=5.0)
    usual_today = quarters(MONDAY_NOON, angry=6.0, neutral=54.0)

    def verdict(rows):
        (answer,) = compare_today(occasions(rows), MONDAY_NOON, ["angry"])
        return answer.differs

    assert verdict(days(3, angry=6.0, neutral=54.0) + angry_today) is None
    assert verdict(days(14, angry=6.0, neutral=54.0) + angry_today) is True
    assert verdict(days(14, angry=6.0, neutral=54.0) + usual_today) is False


def test_nothing_is_said_of_an_hour_without_speech():
    assert compare_today(occasions(days(14, angry=30.0)), MONDAY_NOON, ["angry"]) == []


def test_what_is_usual_is_not_made_of_today():
    """Nor of other hours of today: they draw no cell of earlier days."""
    calm_days = days(2, angry=0.0, neutral=60.0)
    angry_today = quarters(MONDAY_NOON, angry=60.0)
    angry_morning = quarters(MONDAY_NOON - timedelta(hours=3), angry=60.0)
    (angry,) = compare_today(
        occasions(calm_days + angry_morning + angry_today), MONDAY_NOON, ["angry"]
    )
    assert (angry.share, angry.usual.value, angry.usual.occasions) == (1.0, 0.0, 2)
    (angry,) = compare_today(occasions(angry_morning + angry_today), MONDAY_NOON, ["angry"])
    assert (angry.usual.value, angry.usual.occasions) == (0.0, 0)
