"""What the page shows of the present, without a browser."""

from __future__ import annotations

from moodwire.web.live import LiveFeed, Snapshot

NOON = 1_772_452_800.0


def test_the_timeline_goes_on_after_the_clock_was_set_back():
    feed = LiveFeed()
    for second in range(10):
        feed.show(Snapshot(time=NOON + second, mood="happy"))
    for second in range(5):
        feed.show(Snapshot(time=NOON - 3600 + second, mood="sad"))
    times = [moment.time for moment in feed.timeline()]
    assert times == [NOON - 3600 + second for second in range(5)]
