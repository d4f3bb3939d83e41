"""What an earlier name left on the broker goes; what another device says there stays."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from broker import Subscriber
from kitchen import config_for, wait_until
from rotten import ROTTEN

from moodwire.config import Config
from moodwire.publish import clearing
from moodwire.publish.clearing import LOOK_SECONDS, SETTLE_SECONDS, Former
from moodwire.publish.identity import FILE_NAME, Identities, Identity, identity_of

OLD = Identity(prefix="moodwire", device="kitchen", home_assistant="homeassistant")
NEW = Identity(prefix="moodwire", device="pantry", home_assistant="homeassistant")
AVAILABILITY = "moodwire/kitchen/availability"
MOOD = "moodwire/kitchen/mood"
DISCOVERY = "homeassistant/device/moodwire_kitchen/config"


def announcement(root: str) -> bytes:
    told = {"origin": {"name": "Moodwire"}, "availability": [{"topic": f"{root}/availability"}]}
    return json.dumps(told).encode()


def cleared(former: Former, now: float) -> list[str]:
    topics = []
    while topic := former.next(now):
        topics.append(topic)
        former.cleared(topic)
    return topics


def test_home_assistant_forgets_it_first_and_it_is_offline_to_the_last():
    former = Former(OLD, NEW, 0.0)
    former.received(AVAILABILITY, b"offline", True, 1.0)
    former.received(MOOD, b"happy", True, 1.0)
    former.received(DISCOVERY, announcement("moodwire/kitchen"), True, 1.0)
    assert former.next(0.9 + SETTLE_SECONDS) is None
    assert cleared(former, 1.0 + SETTLE_SECONDS) == [DISCOVERY, MOOD, AVAILABILITY]
    assert former.is_over(1.0 + SETTLE_SECONDS)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (AVAILABILITY, b"online"),
        ("moodwire/kitchen/health", b"{}"),
        (DISCOVERY, announcement("moodwire/kitchen")),
    ],
)
def test_who_says_something_there_lives_there(topic, payload):
    former = Former(OLD, NEW, 0.0)
    former.received(AVAILABILITY, b"offline", True, 0.0)
    former.received(topic, payload, False, SETTLE_SECONDS / 2)
    assert former.is_over(SETTLE_SECONDS)
    assert former.next(LOOK_SECONDS) is None


def test_an_online_that_nobody_stands_by_is_cleared_in_the_end():
    former = Former(OLD, NEW, 0.0)
    former.received(AVAILABILITY, b"online", True, 0.0)
    assert former.next(LOOK_SECONDS - 0.1) is None
    assert cleared(former, LOOK_SECONDS) == [AVAILABILITY]


def test_a_last_will_is_waited_for():
    former = Former(OLD, NEW, 0.0)
    former.received(AVAILABILITY, b"online", True, 0.0)
    former.received(AVAILABILITY, b"offline", False, 45.0)
    assert former.next(44.9 + SETTLE_SECONDS) is None
    assert cleared(former, 45.0 + SETTLE_SECONDS) == [AVAILABILITY]


def test_what_is_not_there_is_not_cleared():
    former = Former(OLD, NEW, 0.0)
    assert not former.is_over(LOOK_SECONDS - 0.1)
    assert former.is_over(LOOK_SECONDS) and former.next(LOOK_SECONDS) is None


@pytest.mark.parametrize(
    "payload", [announcement("elsewhere/kitchen"), b"{}", b"[1]", *ROTTEN.values()]
)
def test_the_announcement_of_anybody_else_stays(payload):
    former = Former(OLD, NEW, 0.0)
    former.received(AVAILABILITY, b"offline", True, 0.0)
    former.received(DISCOVERY, payload, True, 0.0)
    assert cleared(former, SETTLE_SECONDS) == [AVAILABILITY]


@pytest.mark.parametrize(
    ("present", "topics"),
    [
        (Identity(prefix="moodwire", device="kitchen", home_assistant="ha"), [DISCOVERY]),
        (Identity(prefix="mood", device="kitchen", home_assistant="homeassistant"), [AVAILABILITY]),
    ],
)
def test_topics_that_are_still_used_are_left_alone(present, topics):
    former = Former(OLD, present, 0.0)
    former.received(AVAILABILITY, b"offline", True, 0.0)
    former.received(DISCOVERY, announcement("moodwire/kitchen"), True, 0.0)
    assert cleared(former, LOOK_SECONDS) == topics


def test_names_are_remembered_until_they_are_cleared(tmp_path):
    third = identity_of(Config())
    for each in (OLD, OLD, NEW, third):
        Identities.read(tmp_path).speak_as(each)
    assert Identities.read(tmp_path).other_than(third) == [OLD, NEW]
    Identities.read(tmp_path).speak_as(OLD)
    assert Identities.read(tmp_path).other_than(OLD) == [NEW, third]
    Identities.read(tmp_path).forget(NEW)
    assert Identities.read(tmp_path).other_than(OLD) == [third]


def test_the_file_is_written_only_when_something_changes(tmp_path):
    identities = Identities.read(tmp_path)
    identities.speak_as(OLD)
    (tmp_path / FILE_NAME).unlink()
    identities.speak_as(OLD)
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize("content", [b"{}", b'[{"prefix":"#","device":"+"}]', *ROTTEN.values()])
def test_a_file_that_cannot_be_read_is_said_and_begun_anew(tmp_path, content, caplog):
    (tmp_path / FILE_NAME).write_bytes(content)
    identities = Identities.read(tmp_path)
    assert FILE_NAME in caplog.text
    identities.speak_as(NEW)
    assert Identities.read(tmp_path).other_than(OLD) == [NEW]


def test_without_a_place_for_it_only_this_run_is_known(tmp_path, caplog):
    identities = Identities.read(tmp_path / "nowhere")
    identities.speak_as(OLD)
    identities.speak_as(NEW)
    assert identities.other_than(NEW) == [OLD]
    identities.forget(OLD)
    assert identities.other_than(NEW) == []
    assert "cannot be written" in caplog.text


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(clearing, "SETTLE_SECONDS", 0.2)
    monkeypatch.setattr(clearing, "LOOK_SECONDS", 3.0)
    monkeypatch.setattr("moodwire.publish.link.STEP_SECONDS", 0.05)


def remembered(state: Path) -> list[str]:
    found = json.loads((state / FILE_NAME).read_bytes())
    return [each["device"] for each in found]


def live_and_leave(make_device, config, **more) -> None:
    device = make_device(config, **more)
    device.connected()
    device.live()
    device.say("happy")
    device.link.publish(device.composer.control("hold", 3.0))
    wait_until(lambda: device.link.counters.queue == 0 and device.link._dispatch.idle)
    device.stop(5.0)


@pytest.mark.broker
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize(
    "changed",
    [
        {"device": {"id": "pantry"}},
        {"mqtt": {"prefix": "mood/wire"}},
        {"home_assistant": {"prefix": "ha"}},
        {"device": {"id": "pantry"}, "home_assistant": {"enabled": False}},
    ],
)
def test_nothing_is_left_of_the_old_name(
    changed, protocol, broker, make_device, hasty, tmp_path, caplog
):
    caplog.set_level("INFO")
    with Subscriber(broker) as heard:
        heard.publish("moodwire/kitchen/note", "somebody's own", retain=True)
        live_and_leave(make_device, config_for(broker))
        assert {DISCOVERY, MOOD, "moodwire/kitchen/control/hold"} <= heard.retained()
        changed = {**changed, "mqtt": {"protocol": protocol, **changed.get("mqtt", {})}}
        new = config_for(broker, **changed)
        device = make_device(new)
        device.connected()
        device.live()
        wait_until(lambda: "cleared" in caplog.text)
        own = {*identity_of(new).retained, "moodwire/kitchen/note"}
        assert heard.retained() <= own
        assert f"{identity_of(new).topics.root}/availability" in heard.retained()
    assert len(json.loads((tmp_path / "state" / FILE_NAME).read_bytes())) == 1


@pytest.mark.broker
def test_two_changes_before_anything_was_cleared(broker, make_device, hasty, tmp_path):
    state = tmp_path / "state"
    with Subscriber(broker) as heard:
        for name in ("kitchen", "pantry"):
            device = make_device(config_for(broker, device={"id": name}))
            device.connected()
            wait_until(lambda device=device: device.link._dispatch.idle)
            device.stop(5.0)
        assert remembered(state) == ["kitchen", "pantry"]
        # a name that no broker ever heard is not remembered
        broker.stop()
        unheard = make_device(config_for(broker, device={"id": "bath"}))
        wait_until(lambda: unheard.link._outage._attempts > 0)
        unheard.stop(1.0)
        assert remembered(state) == ["kitchen", "pantry"]
        broker.start()
        make_device(config_for(broker, device={"id": "cellar"})).connected()
        wait_until(lambda: remembered(state) == ["cellar"])
    with Subscriber(broker) as heard:
        assert {each.split("/")[1] for each in heard.retained()} == {"cellar", "device"}


@pytest.mark.broker
def test_another_device_that_has_the_name_now_keeps_everything(
    broker, make_device, hasty, tmp_path, caplog
):
    """Two configurations whose ids were exchanged, the second started a little later."""
    caplog.set_level("INFO")
    kitchen, pantry = config_for(broker), config_for(broker, device={"id": "pantry"})
    one, two = tmp_path / "one", tmp_path / "two"
    with Subscriber(broker) as heard:
        live_and_leave(make_device, kitchen, state=one)
        live_and_leave(make_device, pantry, state=two)
        was_there = heard.retained()
        first = make_device(pantry, state=one)
        first.connected()
        first.live()
        wait_until(lambda: remembered(one) == ["pantry"])
        second = make_device(kitchen, state=two)
        second.connected()
        second.live()
        second.say("happy")
        second.link.publish(second.composer.control("hold", 3.0))

        def is_left_in_peace() -> bool:
            """While it goes on telling how it is."""
            first.say("happy")
            first.link.publish(first.composer.control("hold", time.monotonic()))
            time.sleep(0.1)
            return "another device is moodwire/pantry now" in caplog.text

        wait_until(is_left_in_peace)
        assert remembered(two) == ["kitchen"]
        assert was_there <= heard.retained()


@pytest.mark.broker
def test_what_was_begun_is_finished_by_the_next_run(broker, make_device, hasty, tmp_path):
    state = tmp_path / "state"
    live_and_leave(make_device, config_for(broker))
    with Subscriber(broker) as heard:
        wait_until(lambda: AVAILABILITY in heard.retained())
        heard.publish(DISCOVERY, b"", retain=True)
        heard.publish(MOOD, b"", retain=True)
        Identities.read(state).speak_as(NEW)
        make_device(config_for(broker, device={"id": "pantry"})).connected()
        wait_until(lambda: remembered(state) == ["pantry"])
        assert not [each for each in heard.retained() if each.startswith("moodwire/kitchen/")]


@pytest.mark.broker
@pytest.mark.parametrize("may", ["read", "nothing"])
def test_a_broker_that_refuses_is_asked_once(
    may, make_broker, make_device, hasty, tmp_path, caplog
):
    caplog.set_level("INFO")
    state = tmp_path / "state"
    rights = {"read": "topic read moodwire/kitchen/#\n", "nothing": ""}[may]
    acl = "user consumer\ntopic readwrite #\nuser device\ntopic readwrite homeassistant/status\n"
    acl += "topic readwrite homeassistant/device/moodwire_pantry/config\n"
    acl += f"topic readwrite moodwire/pantry/#\n{rights}"
    broker = make_broker(users={"device": "secret", "consumer": "secret"}, acl=acl)
    login = {"username": "device", "password": "secret"}
    state.mkdir()
    Identities.read(state).speak_as(OLD)
    with Subscriber(broker, user="consumer") as heard:
        heard.publish(AVAILABILITY, "offline", retain=True)
        device = make_device(config_for(broker, device={"id": "pantry"}, mqtt=login))
        device.connected()
        wait_until(lambda: remembered(state) == ["pantry"])
        assert heard.retained() >= {AVAILABILITY}
        told = {"read": "does not let us clear", "nothing": "our user may not read it"}[may]
        broker.stop()
        broker.start()
        wait_until(lambda: device.link.counters.reconnects > 0)
    assert sum(told in each for each in caplog.messages) == 1
    denied = re.findall(r"Denied PUBLISH from moodwire-pantry .* '(\S+)'", broker.log)
    assert denied == ([AVAILABILITY] if may == "read" else [])


@pytest.mark.broker
def test_connections_that_end_over_it_are_few(broker, make_device, monkeypatch, caplog):
    """As some brokers do who are asked for what is not ours."""
    monkeypatch.setattr("moodwire.publish.link.Backoff.wait", lambda *_: 0.05)
    live_and_leave(make_device, config_for(broker))
    device = make_device(config_for(broker, device={"id": "pantry"}))
    for number in range(clearing.TRIES):
        wait_until(lambda: device.link._clearing._former is not None)
        broker.kill()
        broker.start()
        wait_until(lambda number=number: device.link.counters.reconnects > number)
    wait_until(lambda: "not cleared before the next start" in caplog.text)
    device.live()
    wait_until(lambda: device.link._dispatch.idle)
    assert device.link._clearing._former is None
