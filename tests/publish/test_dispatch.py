"""What is sent next, in virtual time and without a network."""

from __future__ import annotations

import json

import pytest
from rotten import ROTTEN

from moodwire.config import Outbox as Settings
from moodwire.publish.clock import Stamp, WallClock
from moodwire.publish.dispatch import REFUSED_RETRY_SECONDS, Dispatch
from moodwire.publish.outbox import Outbox, open_outbox
from moodwire.publish.publication import Delivery, Publication

CLOCK = WallClock(lambda: 1e9, lambda: 100.0, lambda: True, "boot")
STAMP = Stamp("boot", 100.0, 1e9 - 100.0, True)
ROOM = 20


@pytest.fixture
def outbox(tmp_path) -> Outbox:
    return open_outbox(Settings(), tmp_path, CLOCK)


@pytest.fixture
def dispatch(outbox) -> Dispatch:
    return Dispatch(outbox, CLOCK)


class Wire:
    """Sends what the dispatch gives, under numbers as paho gives them."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch
        self.sent: dict[int, tuple[str, bytes]] = {}

    def send(self, now: float = 0.0, room: int = ROOM) -> list[str]:
        told = []
        while packet := self.dispatch.next(room, now):
            number = len(self.sent) + 1
            self.sent[number] = (packet.topic, packet.payload)
            self.dispatch.sent(number, packet)
            told.append(f"{packet.topic} {text(packet.payload)}")
        return told


def text(payload: bytes) -> str:
    if payload.startswith(b"{"):
        fields = json.loads(payload)
        return f"{fields['n']}{' late' if fields.get('delayed') else ''}"
    return payload.decode()


def value(topic: str, payload: str) -> Publication:
    return Publication(topic, payload.encode(), Delivery.VALUE)


def event(number: int, topic: str = "event") -> Publication:
    return Publication(topic, b'{"n":%d}' % number, Delivery.EVENT, STAMP)


def test_first_the_greeting_then_values_then_the_outbox(dispatch):
    dispatch.accept([event(1), value("mood", "sad"), event(2), value("mood", "happy")])
    dispatch.connected([value("availability", "online")])
    assert Wire(dispatch).send() == [
        "availability online",
        "mood happy",
        "event 1 late",
        "event 2 late",
    ]


def test_only_so_much_is_under_way_and_of_a_value_only_the_newest_waits(dispatch):
    dispatch.connected([])
    wire = Wire(dispatch)
    dispatch.accept([event(n) for n in range(5)])
    assert wire.send(room=3) == ["event 0", "event 1", "event 2"]
    for level in range(100):
        dispatch.accept([value("level", str(level))])
    dispatch.acknowledged(1, None, 0.0)
    assert wire.send(room=3) == ["level 99"]
    dispatch.acknowledged(2, None, 0.0)
    dispatch.acknowledged(3, None, 0.0)
    assert wire.send(room=3) == ["event 3", "event 4"]


def test_what_was_sent_and_not_acknowledged_is_sent_again_first(dispatch, outbox):
    dispatch.connected([])
    wire = Wire(dispatch)
    dispatch.accept([event(1), event(2), event(3)])
    wire.send()
    dispatch.acknowledged(1, None, 0.0)
    dispatch.disconnected()
    dispatch.accept([event(4)])
    assert len(outbox) == 3
    dispatch.connected([])
    assert wire.send() == ["event 2 late", "event 3 late", "event 4 late"]


def test_an_old_acknowledgement_says_nothing_of_a_new_connection(dispatch, outbox):
    dispatch.connected([])
    dispatch.accept([event(1)])
    Wire(dispatch).send()
    dispatch.disconnected()
    dispatch.acknowledged(1, None, 0.0)
    assert len(outbox) == 1


def test_refused_events_wait_their_topic_with_them_and_are_tried_again(dispatch, outbox):
    dispatch.connected([])
    wire = Wire(dispatch)
    dispatch.accept([event(1), event(2, "alert")])
    wire.send(now=0.0)
    dispatch.acknowledged(1, "Not authorized", 0.0)
    dispatch.acknowledged(2, None, 0.0)
    dispatch.accept([event(3), event(4, "alert")])
    assert wire.send(now=REFUSED_RETRY_SECONDS - 1.0) == ["alert 4"]
    assert dispatch.refused == 1
    assert wire.send(now=REFUSED_RETRY_SECONDS) == ["event 1 late", "event 3"]
    for number in (3, 4, 5):
        dispatch.acknowledged(number, None, 0.0)
    assert len(outbox) == 0
    assert dispatch.idle


def test_refused_values_are_told_again_the_newest_of_each(dispatch):
    dispatch.connected([value("announcement", "me"), value("availability", "online")])
    wire = Wire(dispatch)
    dispatch.accept([value("source", "starting"), value("mood", "sad"), value("level", "-30")])
    wire.send()
    for number in (1, 2, 3, 4, 5):
        dispatch.acknowledged(number, "Not authorized", 0.0)
    dispatch.accept([value("source", "live"), value("level", "-20")])
    assert wire.send(now=1.0) == ["source live", "level -20"]
    dispatch.acknowledged(6, "Not authorized", 1.0)
    dispatch.acknowledged(7, None, 1.0)  # somebody just mended it

    assert wire.send(now=REFUSED_RETRY_SECONDS - 1.0) == []
    assert dispatch.idle  # nobody who stops waits for the retry
    dispatch.accept([value("mood", "happy")])
    assert wire.send(now=REFUSED_RETRY_SECONDS) == [
        "announcement me",
        "availability online",
        "source live",
        "mood happy",
    ]
    for number in (8, 9, 10, 11):
        dispatch.acknowledged(number, None, REFUSED_RETRY_SECONDS)
    assert wire.send(now=10 * REFUSED_RETRY_SECONDS) == []


def test_a_newer_value_under_way_is_not_followed_by_the_one_that_was_refused(dispatch):
    dispatch.connected([])
    wire = Wire(dispatch)
    dispatch.accept([value("mood", "sad")])
    wire.send()
    dispatch.acknowledged(1, "Not authorized", 0.0)
    dispatch.accept([value("mood", "happy")])
    wire.send(now=1.0)
    assert "mood sad" not in wire.send(now=REFUSED_RETRY_SECONDS)


def test_a_refusal_is_forgotten_with_its_connection(dispatch):
    dispatch.connected([value("availability", "online")])
    wire = Wire(dispatch)
    wire.send()
    dispatch.acknowledged(1, "Not authorized", 0.0)
    dispatch.disconnected()
    dispatch.connected([])
    assert wire.send(now=REFUSED_RETRY_SECONDS) == []


def test_refusals_are_said_hourly_in_one_line_and_once_when_they_end(dispatch, caplog):
    caplog.set_level("INFO")
    wire = Wire(dispatch)
    dispatch.accept([event(1), value("mood", "sad")])
    minutes = 0

    def retry_for(hours: int, refusal: str | None) -> list[str]:
        nonlocal minutes
        caplog.clear()
        for _ in range(60 * hours):
            if minutes % 7 == 0:  # a connection that breaks is no news of the rights
                dispatch.disconnected()
                dispatch.connected([])
            before = len(wire.sent)
            wire.send(now=60.0 * minutes)
            for number in range(before + 1, len(wire.sent) + 1):
                dispatch.acknowledged(number, refusal, 60.0 * minutes)
            minutes += 1
        return [line.split(";")[0] for line in caplog.messages]

    assert retry_for(2, "Not authorized") == [
        "the broker refuses messages on mood: Not authorized",
        "the broker refuses messages on event: Not authorized",
        "the broker refuses messages on event, mood: Not authorized",
    ]
    assert retry_for(1, None) == ["the broker refuses nothing any more"]


def test_a_broker_that_refuses_now_and_then_does_not_fill_the_log(dispatch, caplog):
    caplog.set_level("INFO")
    dispatch.connected([])
    wire = Wire(dispatch)
    for second in range(600):
        dispatch.accept([value("level", str(second))])
        wire.send(now=float(second))
        refusal = "Quota exceeded" if second % 2 else None
        dispatch.acknowledged(len(wire.sent), refusal, float(second))
    assert len(caplog.messages) == 2


def test_events_that_nobody_can_read_do_not_hold_up_the_others(dispatch, outbox):
    for text in ROTTEN.values():
        outbox.append("event", text, STAMP)
    dispatch.accept([event(1)])
    dispatch.connected([])
    assert Wire(dispatch).send() == ["event 1 late"]
    assert (len(outbox), outbox.dropped) == (1, len(ROTTEN))


def test_answers_are_for_who_asked_just_now(dispatch):
    dispatch.accept([Publication("result", b"early", Delivery.ANSWER)])
    dispatch.connected([])
    dispatch.accept([Publication("result", b"%d" % n, Delivery.ANSWER) for n in range(100)])
    assert Wire(dispatch).send()[0] == "result 68"
    dispatch.disconnected()
    dispatch.connected([])
    assert Wire(dispatch).send() == []
