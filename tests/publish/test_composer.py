"""What is said, when it is worth saying, and with which times."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitchen import LABELS, ROOT, began, ended, observation

from moodwire.config import ConfigError, parse_config
from moodwire.decision.observation import AlertRaised
from moodwire.events import json_schema
from moodwire.publish.clock import Stamp, WallClock, clock_is_set, utc
from moodwire.publish.composer import Composer, ModelIdentity, Vitals
from moodwire.publish.outbox import as_sent_late
from moodwire.publish.publication import Counters, Delivery, Publication
from moodwire.publish.store import Entry
from moodwire.publish.topics import Topics

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()


class Clocks:
    """A wall clock and a monotonic one, moved by hand."""

    def __init__(self) -> None:
        self.wall, self.monotonic, self.is_set = NOON, 1000.0, True

    def clock(self) -> WallClock:
        return WallClock(lambda: self.wall, lambda: self.monotonic, lambda: self.is_set, "boot")

    def run(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def composer(clocks: Clocks) -> Composer:
    model = ModelIdentity("four", "0123", LABELS)
    topics = Topics("moodwire", "kitchen")
    composer = Composer(topics, clocks.clock(), model, publish_level=True, run="run")
    composer.source("live")
    return composer


def by_topic(told: list[Publication]) -> dict[str, bytes]:
    return {each.topic.removeprefix(f"{ROOT}/"): each.payload for each in told}


def event_in(told: list[Publication]) -> dict:
    (payload,) = [each.payload for each in told if each.delivery is Delivery.EVENT]
    return json.loads(payload)


def test_every_message_fits_the_schema_that_consumers_get(composer):
    alert = AlertRaised("loud", "angry", 0.9, 1000.0, 3.0)
    told = composer.observe(observation(1000.0, "happy", 0.7, began("happy", 999.0), alert))
    told += composer.observe(observation(1003.0, "quiet", None, ended("happy", 1002.0, 3.0)))
    told += composer.source("muted")
    told.append(composer.health(Vitals(1.0, None, 0, 0, 0, None, None, Counters(1, 2, 3, 4))))
    told.append(composer.result("hold", False, "no"))
    messages = [json.loads(each.payload) for each in told if each.payload.startswith(b"{")]
    assert {each["type"] for each in messages} == {"mood", "alert", "state", "health", "result"}
    for message in messages:
        jsonschema.validate(message, json_schema())


def test_both_messages_of_a_mood_share_an_id_and_their_order_can_be_seen(composer):
    start = event_in(composer.observe(observation(1001.0, "happy", 0.7, began("happy", 1000.0))))
    end = event_in(
        composer.observe(observation(1004.0, "quiet", None, ended("happy", 1003.5, 3.5)))
    )
    assert start["id"] == start["mood_id"] == end["mood_id"] != end["id"]
    assert (start["sequence"], end["sequence"]) == (0, 1)
    assert start["started"] == end["started"] == "2026-03-01T12:00:00Z"
    assert end["ended"] == end["captured"] == "2026-03-01T12:00:03.500000Z"


def test_a_mood_that_came_faster_than_it_lasted_keeps_the_beginning_that_was_told(composer):
    start = event_in(composer.observe(observation(1000.4, "happy", 0.7, began("happy", 1000.0))))
    end = event_in(
        composer.observe(observation(1001.0, "quiet", None, ended("happy", 1000.9, 10.0)))
    )
    assert start["started"] == end["started"] == "2026-03-01T12:00:00Z"
    assert end["ended"] == "2026-03-01T12:00:00.900000Z"
    assert end["duration"] == 10.0


def test_a_clock_that_is_set_during_a_mood_moves_its_times_but_not_its_duration(composer, clocks):
    clocks.is_set = False
    start = event_in(composer.observe(observation(1000.0, "happy", 0.7, began("happy", 1000.0))))
    assert start["clock_synchronised"] is False
    clocks.run(5.0)
    clocks.wall += 86_400.0
    clocks.is_set = True
    end = event_in(
        composer.observe(observation(1005.0, "quiet", None, ended("happy", 1005.0, 5.0)))
    )
    assert end["clock_synchronised"] is True
    assert end["duration"] == 5.0
    assert end["started"] == "2026-03-02T12:00:00Z"


def test_an_event_of_before_the_clock_was_set_is_put_right_before_it_is_sent(composer, clocks):
    clocks.is_set = False
    told = composer.observe(observation(1005.0, "quiet", None, ended("happy", 1005.0, 5.0)))
    publication = next(each for each in told if each.delivery is Delivery.EVENT)
    assert publication.stamp is not None
    entry = Entry(1, publication.topic, publication.payload, publication.stamp)
    waiting = json.loads(as_sent_late(entry, clocks.clock()))
    assert (waiting["delayed"], waiting["clock_corrected"]) == (True, False)

    clocks.wall += 3600.0
    clocks.is_set = True
    corrected = json.loads(as_sent_late(entry, clocks.clock()))
    assert corrected["captured"] == corrected["ended"] == "2026-03-01T13:00:05Z"
    assert corrected["started"] == "2026-03-01T13:00:00Z"
    assert corrected["clock_synchronised"] is False
    assert corrected["clock_corrected"] is True

    rebooted = WallClock(lambda: clocks.wall, lambda: 7.0, lambda: True, "another boot")
    assert json.loads(as_sent_late(entry, rebooted))["clock_corrected"] is False


def test_values_are_told_when_they_change_and_only_then(composer):
    first = by_topic(composer.observe(observation(1.0, "happy", 0.70)))
    assert first.keys() == {"mood", "confidence", "speech", "level", "state"}
    assert composer.observe(observation(1.25, "happy", 0.76)) == []
    assert composer.observe(observation(2.0, "happy", 0.72)) == []
    again = by_topic(composer.observe(observation(2.25, "happy", 0.76)))
    assert again.keys() == {"confidence", "state"}
    quiet = by_topic(composer.observe(observation(2.5)))
    assert (quiet["mood"], quiet["confidence"], quiet["speech"]) == (b"quiet", b"", b"OFF")


def test_the_level_is_told_once_a_second_and_when_it_moved(composer):
    def levels(time: float, level: float | None) -> list[bytes]:
        told = by_topic(composer.observe(observation(time, level=level)))
        return [told["level"]] if "level" in told else []

    assert levels(1.0, -40.0) == [b"-40.0"]
    assert levels(1.5, -20.0) == []
    assert levels(2.0, -20.0) == [b"-20.0"]
    assert levels(3.1, -20.6) == []
    assert levels(4.2, None) == [b""]


def test_a_muted_or_lost_microphone_takes_every_claim_back(composer):
    composer.observe(observation(1.0, "angry", 0.9))
    told = composer.source("muted")
    assert told[0].payload == b"muted"
    values = by_topic(told)
    assert [values[name] for name in ("mood", "confidence", "speech", "level")] == [b""] * 4
    state = json.loads(values["state"])
    assert {name for name, value in state.items() if value is None} >= {"mood", "speech", "since"}
    assert composer.observe(observation(2.0, "angry", 0.9)) == []
    assert by_topic(composer.source("live"))["source"] == b"live"
    assert by_topic(composer.observe(observation(2.5, "angry", 0.9)))["mood"] == b"angry"


@given(st.floats(0.0, 1e5), st.lists(st.floats(-0.04, 0.04), max_size=30))
def test_slow_drift_never_moves_a_time_that_was_told(moment, drifts):
    clocks = Clocks()
    clock = clocks.clock()
    told = clock.stamp(moment).wall
    for drift in drifts:
        clocks.wall = NOON + drift
        assert clock.stamp(moment).wall == told
    clocks.wall = NOON + 1.0
    assert clock.stamp(moment).wall == pytest.approx(told + 1.0)


def test_the_marker_of_timesyncd_says_whether_the_clock_is_set(tmp_path):
    folder = tmp_path / "run/systemd/timesync"
    folder.mkdir(parents=True)
    assert not clock_is_set(tmp_path)
    (folder / "synchronized").touch()
    assert clock_is_set(tmp_path)


def test_milliseconds_are_what_a_time_is_told_in():
    assert utc(Stamp("b", 1.0006, NOON, True).wall).microsecond == 1000


@pytest.mark.parametrize(
    "prefix",
    ["", "/home", "home/", "a//b", "home/+", "a#", "$SYS/x", "a\nb", "a\n", "a" * 129, "a\0"],
)
def test_a_prefix_from_which_no_topic_can_be_made_is_refused(prefix):
    with pytest.raises(ConfigError, match=r"mqtt\.prefix"):
        parse_config(f"[mqtt]\nprefix = {json.dumps(prefix)}\n")


def test_a_prefix_may_have_levels_and_other_letters_than_english_ones():
    config = parse_config('[mqtt]\nprefix = "Zuhause/Küche 2/a$"\n')
    assert Topics(config.mqtt.prefix, "kitchen").mood == "Zuhause/Küche 2/a$/kitchen/mood"


@pytest.mark.parametrize("device", ["", "Kitchen", "a/b", "-a", "a" * 64, "a\n"])
def test_a_device_id_from_which_no_topic_can_be_made_is_refused(device):
    with pytest.raises(ConfigError, match=r"device\.id"):
        parse_config(f"[device]\nid = {json.dumps(device)}\n")
