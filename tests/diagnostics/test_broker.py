"""Each step on the way to a real mosquitto, broken on purpose; and that looking changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import tones
from broker import Broker, Certificates, Subscriber, free_port
from kitchen import config_for

from moodwire.diagnostics import broker
from moodwire.diagnostics.finding import Finding, Grade
from moodwire.diagnostics.subject import Subject
from moodwire.model import load_bundle
from moodwire.publish.hardware import hardware
from moodwire.publish.homeassistant import Discovery
from moodwire.publish.topics import Topics

pytestmark = pytest.mark.broker

USERS = {"kitchen": "right", "admin": "admin"}
ACL = """\
user kitchen
topic readwrite moodwire/kitchen/#
topic readwrite homeassistant/device/moodwire_kitchen/config
topic read homeassistant/status
user admin
topic readwrite #
"""
DISCOVERY = "homeassistant/device/moodwire_kitchen/config"


def findings(server: Broker | None, **mqtt: Any) -> dict[str, Finding]:
    config = config_for(server, mqtt=mqtt)
    about = Subject(config, load_bundle(tones.BUNDLE))
    return {finding.name: finding for finding in broker.look(about)}


def announced() -> Discovery:
    topics = Topics("moodwire", "kitchen")
    return Discovery(config_for(), topics, load_bundle(tones.BUNDLE).labels, hardware())


@pytest.fixture
def announcing(make_broker: Callable[..., Broker]) -> Broker:
    """The broker of a device that runs as it is configured."""
    server = make_broker()
    with Subscriber(server, "nothing") as device:
        device.publish(DISCOVERY, announced().announcement().payload, retain=True)
    return server


def assistant(server: Broker, *topics: str) -> Finding:
    """What is said of Home Assistant while somebody subscribes to these topics."""
    with ExitStack() as subscribers:
        for each in topics:
            subscribers.enter_context(Subscriber(server, each))
        return findings(server)["Home Assistant"]


def last(found: dict[str, Finding]) -> Finding:
    return list(found.values())[-1]


def test_a_sound_way_is_fine_from_end_to_end(make_broker: Callable[..., Broker]) -> None:
    server = make_broker(users=USERS, acl=ACL)

    found = findings(server, username="kitchen", password="right")

    assert [found[name].grade for name in ("name", "TCP", "login", "topics")] == [Grade.FINE] * 4
    assert found["Home Assistant"].grade is Grade.WARNING


def test_looking_changes_no_value_and_takes_no_device_away(
    make_broker: Callable[..., Broker],
) -> None:
    server = make_broker(users=USERS, acl=ACL)
    kept = {
        "moodwire/kitchen/mood": b"happy",
        "moodwire/kitchen/control/hold": b"3",
        DISCOVERY: announced().announcement().payload,
    }
    with Subscriber(server, "#", user="admin") as admin:
        for topic, payload in kept.items():
            admin.publish(topic, payload, retain=True)

        found = findings(server, username="kitchen", password="right")

    assert {finding.grade for finding in found.values()} == {Grade.FINE, Grade.SKIPPED}
    with Subscriber(server, "#", user="admin") as later:
        for topic, payload in kept.items():
            later.topic(topic, payload)
        assert {heard.topic for heard in later.messages} == set(kept)
    assert {heard.payload for heard in admin.messages if heard.topic in kept} == set(kept.values())
    assert "moodwire/kitchen/health" not in {heard.topic for heard in admin.messages}


def test_a_wrong_password_is_named_and_nothing_behind_it_tried(
    make_broker: Callable[..., Broker],
) -> None:
    found = findings(make_broker(users=USERS, acl=ACL), username="kitchen", password="wrong")

    assert last(found).name == "login"
    assert last(found).grade is Grade.BROKEN
    assert "mosquitto_passwd" in last(found).remedy
    assert "wrong" not in str(found)


def test_missing_rights_name_the_first_topic_and_the_line_to_add(
    make_broker: Callable[..., Broker],
) -> None:
    acl = ACL.replace("topic readwrite moodwire/kitchen/#", "topic write moodwire/kitchen/+")

    found = findings(make_broker(users=USERS, acl=acl), username="kitchen", password="right")

    assert found["topics"].grade is Grade.BROKEN
    assert "1 of 11 refused, first moodwire/kitchen/control/mute" in found["topics"].seen
    assert "topic readwrite moodwire/kitchen/#" in found["topics"].remedy


def test_what_was_accepted_is_known_by_the_topics_that_are_read(announcing: Broker) -> None:
    found = assistant(announcing, "homeassistant/device/+/config", *announced().state_topics)

    assert found.grade is Grade.FINE
    count = len(announced().state_topics) - 1
    assert f"reads all {count} topics" in found.seen, "all but health, which retains nothing here"


def test_an_announcement_that_was_refused_is_known_by_what_nobody_reads(announcing: Broker) -> None:
    wholly = assistant(announcing, "homeassistant/#")
    partly = assistant(announcing, "homeassistant/#", *announced().state_topics[1:])

    count = len(announced().state_topics) - 1
    assert (wholly.grade, partly.grade) == (Grade.WARNING, Grade.WARNING)
    assert f"{count} of {count} topics are not read" in wholly.seen
    assert f"1 of {count} topics are not read, first {announced().state_topics[0]}" in partly.seen


def test_without_home_assistant_the_way_out_is_named(announcing: Broker) -> None:
    found = assistant(announcing, *announced().state_topics)

    assert found.grade is Grade.WARNING
    assert "discovery prefix homeassistant" in found.remedy
    assert "home_assistant.enabled = false" in found.remedy


def test_who_reads_cannot_be_told_beside_one_who_reads_everything(announcing: Broker) -> None:
    assert assistant(announcing, "moodwire/#").grade is Grade.SKIPPED


def test_an_announcement_of_another_version_or_configuration_is_noticed(
    announcing: Broker,
) -> None:
    found = findings(announcing, publish_level=True)["Home Assistant"]

    assert found.grade is Grade.WARNING
    assert "not as the configuration says now" in found.seen


def test_nobody_listening_is_told_apart_from_no_such_name() -> None:
    nobody = findings(None, host="127.0.0.1", port=free_port())
    nameless = findings(None, host="broker.invalid")

    assert (last(nobody).name, last(nobody).grade) == ("TCP", Grade.BROKEN)
    assert (last(nameless).name, last(nameless).grade) == ("name", Grade.BROKEN)


def test_a_certificate_of_a_strange_authority_is_refused(
    make_broker: Callable[..., Broker], tmp_path: Path
) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    ours, theirs = Certificates(tmp_path / "ours"), Certificates(tmp_path / "theirs")
    server = make_broker(tls=theirs)

    trusted = findings(server, tls=True, ca_file=str(theirs.ca))
    strange = findings(server, tls=True, ca_file=str(ours.ca))
    plain = findings(make_broker(), tls=True, ca_file=str(ours.ca))

    assert trusted["TLS"].grade is Grade.WARNING, "it is good for two days only"
    assert "renew" in trusted["TLS"].remedy
    assert (last(strange).name, last(strange).grade) == ("TLS", Grade.BROKEN)
    assert "ca_file" in last(strange).remedy
    assert (last(plain).name, last(plain).grade) == ("TLS", Grade.BROKEN)
    assert "8883" in last(plain).remedy
