"""What the page shows of the present, without a browser."""

from __future__ import annotations

import asyncio
import http.client
import logging
import os
import time
from itertools import groupby

import msgspec
import numpy as np
import pytest
import tones
from captured import OPENED, failure, packets
from kitchen import wait_until
from sounds import noise

from moodwire.audio.capture_source import CaptureSource
from moodwire.audio.pipe import Pipe, PipeSource
from moodwire.config import Config, History, Paths
from moodwire.history.spans import FOREVER
from moodwire.history.store import HistoryStore, MoodMinute, history_path
from moodwire.model import load_bundle
from moodwire.pipeline import Pipeline
from moodwire.web import live
from moodwire.web.live import LiveFeed, Snapshot
from moodwire.web.server import STOP_SECONDS
from moodwire.web.standalone import Standalone

NOON = 1_772_452_800.0


def test_the_timeline_goes_on_after_the_clock_was_set_back():
    feed = LiveFeed()
    for second in range(10):
        feed.show(Snapshot(time=NOON + second, mood="happy"))
    for second in range(5):
        feed.show(Snapshot(time=NOON - 3600 + second, mood="sad"))
    times = [moment.time for moment in feed.timeline()]
    assert times == [NOON - 3600 + second for second in range(5)]


def test_a_viewer_of_a_muted_device_is_told_of_the_broker(monkeypatch):
    monkeypatch.setattr(live, "KEEP_ALIVE_SECONDS", 0.01)
    states = iter(["looking for it", "connected", "connected", "connected"])
    feed = LiveFeed(lambda: next(states))
    feed.show(Snapshot(source="muted"))

    async def told() -> list[bytes]:
        stream = live.stream(feed)
        return [(await anext(stream)).split(b"\n")[0] for _ in range(6)]

    names = [line.removeprefix(b"event: ").decode() for line in asyncio.run(told())]
    assert names == ["timeline", "broker", "now", "broker", "alive", "alive"]


def test_the_page_alone_shows_what_comes_through_a_pipe():
    config, bundle = Config(), load_bundle(tones.BUNDLE)
    reading, writing = os.pipe()
    host = Standalone(config, bundle, Pipeline(bundle, config), PipeSource(Pipe(reading)))
    host.start()
    os.write(writing, (32_767 * noise(1.0)).astype("<i2").tobytes())
    wait_until(lambda: host.feed.snapshot.source == "live", timeout=20.0)
    os.close(writing)
    host.stop()
    os.close(reading)


@pytest.mark.parametrize(
    ("voice", "states"),
    [(0.0, ["starting", "lost"]), (4.0, ["starting", "live", "silent", "lost"])],
)
def test_the_page_alone_claims_no_mood_of_a_microphone_that_gives_zeros(
    capture, monkeypatch, voice, states
):
    shown, show = [], LiveFeed.show
    monkeypatch.setattr(LiveFeed, "show", lambda feed, each: shown.append(each) or show(feed, each))
    sound = np.concatenate([tones.tone("angry", voice), np.zeros(7 * 16_000)])
    capture(OPENED + packets(sound, 7.0) + failure("pulled", 18.0), ends=True)
    config, bundle = Config(), load_bundle(tones.BUNDLE)
    host = Standalone(config, bundle, Pipeline(bundle, config), CaptureSource())
    host.start()
    wait_until(lambda: host.feed.snapshot.source == "lost", timeout=20.0)
    host.stop()
    assert [state for state, _ in groupby(each.source for each in shown)] == states
    assert {each.source for each in shown if each.mood} == {"live"} & set(states)


def test_the_page_alone_claims_no_mood_of_a_microphone_that_gives_nothing(capture):
    capture(OPENED + packets(tones.tone("angry", 4.0), time.monotonic() - 10.0))
    config, bundle = Config(), load_bundle(tones.BUNDLE)
    host = Standalone(config, bundle, Pipeline(bundle, config), CaptureSource())
    host.start()
    wait_until(lambda: host.feed.snapshot.source == "stalled", timeout=20.0)
    assert host.feed.timeline()
    assert host.feed.snapshot.mood is None
    assert not host.healthy()
    host.stop()


def test_the_page_alone_shows_when_the_sound_of_a_pipe_came(monkeypatch):
    monkeypatch.setattr("moodwire.web.standalone.PAUSE_SECONDS", 0.5)
    config, bundle = Config(), load_bundle(tones.BUNDLE)
    sound = (32_767 * noise(1.0)).astype("<i2").tobytes()
    reading, writing = os.pipe()
    host = Standalone(config, bundle, Pipeline(bundle, config), PipeSource(Pipe(reading)))
    host.start()
    os.write(writing, sound)
    wait_until(lambda: host.feed.snapshot.source == "stalled", timeout=20.0)
    assert host.feed.snapshot.mood is None
    again = time.time()
    os.write(writing, sound)
    wait_until(lambda: host.feed.snapshot.source == "live", timeout=20.0)
    assert again - 1.0 < host.feed.snapshot.time <= time.time()
    os.close(writing)
    host.stop()
    os.close(reading)


def test_the_page_alone_shows_the_history_and_adds_nothing_to_it(tmp_path):
    config = msgspec.structs.replace(
        Config(), history=History(enabled=True), paths=Paths(state=str(tmp_path))
    )
    bundle, store = load_bundle(tones.BUNDLE), HistoryStore(history_path(config))
    store.add([MoodMinute(int(NOON), "happy", 60.0, 0.8)])
    reading, writing = os.pipe()
    host = Standalone(config, bundle, Pipeline(bundle, config), PipeSource(Pipe(reading)))
    host.start()
    os.write(writing, (32_767 * noise(2.0)).astype("<i2").tobytes())
    os.close(writing)
    wait_until(lambda: host.feed.snapshot.source in ("off", "lost"), timeout=20.0)
    assert host.feed.timeline()
    host.stop()
    os.close(reading)
    assert (len(host.history.moods(0, FOREVER)), store.listened(0, FOREVER)) == (1, {})
    assert host.forget(0, FOREVER) == 1
    assert store.moods(0, FOREVER) == []


def test_a_server_that_stops_under_a_viewer_complains_of_nothing(serve, caplog):
    host, server = serve()
    host.feed.show(Snapshot(time=NOON, source="live", mood="happy"))
    viewer = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    viewer.request("GET", "/live")
    stream = viewer.getresponse()
    while b"happy" not in stream.readline():
        pass
    began = time.monotonic()
    server.stop()
    assert server.ended.is_set()
    assert time.monotonic() - began < STOP_SECONDS / 2
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    viewer.close()
