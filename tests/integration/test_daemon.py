"""The daemon with real parts: microphone, broker, signals and commands."""

from __future__ import annotations

import json
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tones
from broker import WAIT_SECONDS, Broker, Heard, Subscriber
from daemon import END_SECONDS, ROOM, ROOT, STATE, DaemonProcess, Loudspeaker, sections_for
from kitchen import wait_until
from pulse import PulseServer
from sounds import wav_header

from moodwire.publish.identity import Identity

pytestmark = pytest.mark.broker

MakeDaemon = Callable[..., DaemonProcess]
Play = Callable[[PulseServer, np.ndarray], Loudspeaker]


def event(kind: str, mood: str) -> Callable[[Heard], bool]:
    def is_it(heard: Heard) -> bool:
        if heard.topic != f"{ROOT}/event":
            return False
        told = json.loads(heard.payload)
        return bool(told["event_type"] == kind and told["mood"] == mood)

    return is_it


def state_of(heard: Heard) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(heard.payload)
    return found


@pytest.mark.pulse
def test_what_is_played_comes_out_as_events_and_a_stop_says_offline(
    make_daemon: MakeDaemon, broker: Broker, pulse: PulseServer, play: Play
) -> None:
    with Subscriber(broker) as heard:
        play(pulse, ROOM)
        daemon = make_daemon(broker, pulse)
        heard.topic(f"{ROOT}/availability", b"online")
        heard.topic(f"{ROOT}/source", b"live")
        pulse.play(tones.tone("angry", 3.0))
        began = json.loads(heard.wait(event("started", "angry")).payload)
        ended = json.loads(heard.wait(event("ended", "angry")).payload)
        assert ended["mood_id"] == began["mood_id"]
        assert 2.0 < ended["duration"] < 8.0
        mark = heard.mark()
        daemon.terminate()
        assert daemon.process.returncode == 0
        heard.topic(f"{ROOT}/availability", b"offline", after=mark)


@pytest.mark.pulse
def test_mute_closes_the_device_takes_values_back_and_survives_a_restart(
    make_daemon: MakeDaemon, broker: Broker, pulse: PulseServer, play: Play
) -> None:
    with Subscriber(broker) as heard:
        play(pulse, ROOM)
        daemon = make_daemon(broker, pulse)
        heard.topic(f"{ROOT}/source", b"live")
        assert pulse.recording()
        mark = heard.mark()
        heard.publish(f"{ROOT}/set/mute", "ON")
        heard.topic(f"{ROOT}/source", b"muted", after=mark)
        heard.topic(f"{ROOT}/control/mute", b"ON", after=mark)
        heard.topic(f"{ROOT}/mood", b"", after=mark)
        heard.wait(lambda each: each.topic == STATE and state_of(each)["mood"] is None, after=mark)
        # its process is gone at once; the server notices a moment later
        wait_until(lambda: not pulse.recording(), timeout=2.0)
        daemon.kill()

        mark = heard.mark()
        make_daemon(broker, pulse)
        heard.topic(f"{ROOT}/source", b"muted", after=mark)
        heard.topic(f"{ROOT}/control/mute", b"ON", after=mark)
        assert not pulse.recording()
        heard.publish(f"{ROOT}/set/mute", "OFF")
        heard.topic(f"{ROOT}/source", b"live", after=mark)
        assert pulse.recording()


def test_a_hard_mute_cannot_be_lifted(make_daemon: MakeDaemon, broker: Broker) -> None:
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, microphone={"mute": True})
        heard.topic(f"{ROOT}/source", b"muted")
        heard.topic(f"{ROOT}/availability", b"online")
        mark = heard.mark()
        heard.publish(f"{ROOT}/set/mute", "OFF")
        answer = json.loads(heard.topic(f"{ROOT}/result", after=mark).payload)
        assert not answer["ok"] and "microphone.mute" in answer["detail"]
        daemon.terminate()
        assert all(
            each.payload == b"muted" for each in heard.messages if each.topic == f"{ROOT}/source"
        )


def test_commands_change_what_is_in_force_and_are_answered(
    make_daemon: MakeDaemon, broker: Broker
) -> None:
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True)
        heard.topic(f"{ROOT}/availability", b"online")
        announced = heard.wait(lambda each: each.topic.startswith("homeassistant/device/"))
        assert json.loads(announced.payload)["components"]["restart"] == {"platform": "button"}

        def command(control: str, payload: str) -> dict[str, Any]:
            mark = heard.mark()
            heard.publish(f"{ROOT}/set/{control}", payload)
            told: dict[str, Any] = json.loads(heard.topic(f"{ROOT}/result", after=mark).payload)
            assert told["control"] == control
            return told

        assert command("hold", "7.5")["ok"]
        heard.topic(f"{ROOT}/control/hold", b"7.5")
        refused = command("threshold", "0.2")
        assert not refused["ok"] and "decision.exit" in refused["detail"]
        assert command("profile", "car")["ok"]
        heard.topic(f"{ROOT}/control/profile", b"car")
        heard.topic(f"{ROOT}/control/hold", b"5")
        assert command("self_test", "PRESS")["ok"]
        daemon.feed(ROOM[:16_000])
        mark = heard.mark()
        refused = command("restart", "PRESS")
        assert not refused["ok"] and "--input" in refused["detail"]
        daemon.feed(tones.tone("happy", 4.0))
        heard.wait(event("started", "happy"), after=mark)
        daemon.terminate()
        ends = [m for m in heard.messages[mark:] if m.payload == b"offline"]
        assert len(ends) == 1, "only the last"


def test_a_restart_is_a_fresh_program_in_the_same_process(
    make_daemon: MakeDaemon, broker: Broker
) -> None:
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, microphone={"mute": True})
        heard.topic(f"{ROOT}/availability", b"online")
        heard.publish(f"{ROOT}/set/profile", "car")
        heard.topic(f"{ROOT}/result")
        mark = heard.mark()
        heard.publish(f"{ROOT}/set/restart", "PRESS")
        answer = json.loads(heard.topic(f"{ROOT}/result", after=mark).payload)
        assert (answer["control"], answer["ok"]) == ("restart", True)
        heard.topic(f"{ROOT}/availability", b"offline", after=mark)
        heard.topic(f"{ROOT}/availability", b"online", after=mark)
        heard.topic(f"{ROOT}/control/profile", b"car", after=mark)
        assert daemon.process.poll() is None


def test_a_mood_of_before_a_power_cut_is_gone_when_the_device_is_back(
    make_daemon: MakeDaemon, broker: Broker
) -> None:
    """Whoever acts on a mood that the device is in would act on last night's."""
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True)
        daemon.feed(np.concatenate((ROOM[:16_000], tones.tone("angry", 4.0))))
        heard.topic(f"{ROOT}/mood", b"angry")
        daemon.kill()
        heard.topic(f"{ROOT}/availability", b"offline")
        mark = heard.mark()
        make_daemon(broker, piped=True)
        heard.topic(f"{ROOT}/availability", b"online", after=mark)
        told = {each.topic: each.payload for each in heard.messages[mark:]}
        assert told[f"{ROOT}/source"] == b"starting" and told[f"{ROOT}/mood"] == b""


def test_values_are_told_again_so_that_silence_means_gone(
    make_daemon: MakeDaemon, broker: Broker
) -> None:
    with Subscriber(broker) as heard:
        make_daemon(broker, piped=True)
        heard.topic(f"{ROOT}/availability", b"online")
        mark = heard.mark()
        heard.topic(f"{ROOT}/health", after=mark)
        again = {each.topic: each.payload for each in heard.messages[mark:]}
        assert again[f"{ROOT}/source"] == b"starting" and again[f"{ROOT}/mood"] == b""
        assert again[f"{ROOT}/control/mute"] == b"OFF"


def test_reload_takes_a_good_file_and_keeps_the_old_one_on_error(
    make_daemon: MakeDaemon, broker: Broker, make_broker: Callable[..., Broker], tmp_path: Path
) -> None:
    other = make_broker()
    with Subscriber(broker) as heard, Subscriber(other) as moved:
        daemon = make_daemon(broker, piped=True)
        heard.topic(f"{ROOT}/control/hold", b"3")
        daemon.configure(sections_for(broker, tmp_path / "state", {"decision": {"hold": 9.0}}))
        daemon.reload()
        heard.topic(f"{ROOT}/control/hold", b"9")

        daemon.configure(sections_for(broker, tmp_path / "state", {"decision": {"hold": -1.0}}))
        daemon.reload()
        daemon.wait_for_log("stays as it was")
        assert "decision.hold" in daemon.log
        daemon.configure(
            sections_for(broker, tmp_path / "state", {"decision": {"hold": 9.0, "enter": 0.7}})
        )
        daemon.reload()
        heard.topic(f"{ROOT}/control/threshold", b"0.7")

        daemon.configure(sections_for(other, tmp_path / "state", {}))
        daemon.reload()
        moved.topic(f"{ROOT}/availability", b"online")
        moved.topic(f"{ROOT}/control/hold", b"3")
        heard.topic(f"{ROOT}/availability", b"offline")


@pytest.mark.parametrize("restarted", [False, True])
def test_a_level_that_is_published_no_more_is_not_left_on_the_broker(
    make_daemon: MakeDaemon, broker: Broker, tmp_path: Path, restarted: bool
) -> None:
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True, mqtt={"publish_level": True})
        daemon.feed(ROOM[:16_000])
        heard.wait(lambda each: each.topic == f"{ROOT}/level" and each.payload != b"")
        heard.topic(f"{ROOT}/availability", b"online")
        mark = heard.mark()
        if restarted:
            daemon.terminate()
            make_daemon(broker, piped=True)
        else:
            daemon.configure(sections_for(broker, tmp_path / "state", {}))
            daemon.reload()
        heard.topic(f"{ROOT}/availability", b"online", after=mark)
        assert f"{ROOT}/level" not in heard.retained()


def test_what_is_set_from_afar_puts_no_file_in_force_that_is_being_edited(
    make_daemon: MakeDaemon, broker: Broker, tmp_path: Path
) -> None:
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True)
        heard.topic(f"{ROOT}/availability", b"online")
        edited = {"device": {"id": "attic"}, "decision": {"enter": 0.7}}
        daemon.configure(sections_for(broker, tmp_path / "state", edited))
        heard.publish(f"{ROOT}/set/hold", "7.5")
        assert json.loads(heard.topic(f"{ROOT}/result").payload)["ok"]
        heard.topic(f"{ROOT}/control/hold", b"7.5")
        daemon.reload()
        heard.topic("moodwire/attic/control/hold", b"7.5")
        heard.topic("moodwire/attic/control/threshold", b"0.7")


@pytest.mark.parametrize("killed", [False, True])
def test_under_another_id_nothing_is_left_under_the_old_one(
    make_daemon: MakeDaemon, broker: Broker, tmp_path: Path, killed: bool
) -> None:
    other = {"device": {"id": "pantry"}, "mqtt": {"publish_level": True}}
    old = Identity(prefix="moodwire", device="kitchen", home_assistant="homeassistant")
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True, mqtt={"publish_level": True})
        daemon.feed(np.concatenate((ROOM[:16_000], tones.tone("happy", 4.0))))
        heard.topic(f"{ROOT}/event")
        heard.topic(f"{ROOT}/health")
        if killed:
            daemon.kill()
            make_daemon(broker, piped=True, **other)
        else:
            daemon.configure(sections_for(broker, tmp_path / "state", other))
            daemon.reload()
        wait_until(lambda: not heard.retained() & set(old.retained))
        told = {each.topic for each in heard.messages if each.retained}
        assert {each for each in told if "kitchen" in each} <= set(old.retained)
        assert {f"{ROOT}/level", f"{ROOT}/control/mute", old.announcement} <= told
        assert "homeassistant/device/moodwire_pantry/config" in heard.retained()


@pytest.mark.parametrize("store", ["memory", "disk"])
@pytest.mark.parametrize("change", ["model", "device"])
def test_a_reload_ends_the_mood_that_was_told_by_its_own_id(
    make_daemon: MakeDaemon, broker: Broker, tmp_path: Path, store: str, change: str
) -> None:
    settings: dict[str, dict[str, Any]] = {
        "outbox": {"store": store}, "decision": {"hold": 600.0}
    }  # fmt: skip
    other = tmp_path / "other_bundle"
    shutil.copytree(tones.BUNDLE, other)
    changed = {"model": {"path": str(other)}, "device": {"name": "Pantry"}}[change]
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True, **settings)
        daemon.feed(np.concatenate((ROOM[:16_000], tones.tone("happy", 4.0))))
        began = json.loads(heard.wait(event("started", "happy")).payload)
        daemon.configure(sections_for(broker, tmp_path / "state", {**settings, change: changed}))
        daemon.reload()
        ended = json.loads(heard.wait(event("ended", "happy")).payload)
        assert ended["mood_id"] == began["mood_id"]
        daemon.wait_for_log("was read anew")
        mark = heard.mark()
        daemon.feed(np.concatenate((ROOM[:16_000], tones.tone("angry", 4.0))))
        heard.wait(event("started", "angry"), after=mark)


def test_a_refused_reload_changes_nothing_and_the_broker_is_still_told(
    make_daemon: MakeDaemon, broker: Broker, tmp_path: Path
) -> None:
    """Also where the settings in force could not be taken up a second time."""
    secret = tmp_path / "password"
    secret.write_text("hush\n")
    login = {"username": "kitchen", "password_file": str(secret)}
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True, mqtt=login)
        heard.topic(f"{ROOT}/availability", b"online")
        secret.rename(tmp_path / "renamed")
        mark = heard.mark()
        wrong = {
            "mqtt": {**login, "password_file": str(tmp_path / "mistyped")},
            "decision": {"enter": 1.0, "exit": 1.0},
        }
        daemon.configure(sections_for(broker, tmp_path / "state", wrong))
        daemon.reload()
        daemon.wait_for_log("stays as it was")
        daemon.feed(np.concatenate((ROOM[:16_000], tones.tone("happy", 4.0))))
        heard.wait(event("started", "happy"), after=mark)
        assert not [m for m in heard.messages[mark:] if m.topic == f"{ROOT}/availability"]


def test_what_waits_for_the_broker_survives_a_reload_also_in_memory(
    make_daemon: MakeDaemon, broker: Broker, make_broker: Callable[..., Broker], tmp_path: Path
) -> None:
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True)
        heard.topic(f"{ROOT}/availability", b"online")
    broker.kill()
    daemon.wait_for_log("no broker, events wait")
    daemon.feed(np.concatenate((ROOM[:16_000], tones.tone("happy", 4.0), ROOM[: 16_000 * 5])))
    other = make_broker()
    with Subscriber(other) as moved:
        changed = {"outbox": {"store": "disk"}}
        daemon.configure(sections_for(other, tmp_path / "state", changed))
        daemon.reload()
        late = json.loads(moved.wait(event("started", "happy")).payload)
        assert late["delayed"]


def test_a_piped_recording_is_heard_to_its_end(make_daemon: MakeDaemon, broker: Broker) -> None:
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True)
        daemon.feed(np.concatenate((ROOM[:16_000], tones.tone("happy", 4.0))))
        daemon.end_of_input()
        assert daemon.process.wait(WAIT_SECONDS) == 0
        heard.wait(event("started", "happy"))
        heard.wait(event("ended", "happy"))
        heard.topic(f"{ROOT}/availability", b"offline")


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_writer_that_stalls_in_its_header_keeps_nobody_waiting(
    make_daemon: MakeDaemon, broker: Broker, goes_on: bool
) -> None:
    header = wav_header(16_000, 1)
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True)
        assert daemon.process.stdin is not None
        daemon.process.stdin.write(header[:20])
        daemon.process.stdin.flush()
        heard.topic(f"{ROOT}/availability", b"online")
        if not goes_on:
            daemon.terminate()
            return
        heard.publish(f"{ROOT}/set/hold", "7.5")
        heard.topic(f"{ROOT}/control/hold", b"7.5")
        daemon.process.stdin.write(header[20:])
        daemon.feed(np.concatenate((ROOM[:16_000], tones.tone("happy", 4.0))))
        heard.wait(event("started", "happy"))


def test_a_wav_stream_is_still_understood_after_a_mute(
    make_daemon: MakeDaemon, broker: Broker
) -> None:
    def in_stereo(samples: np.ndarray) -> np.ndarray:
        return np.repeat(samples, 6)  # three times the rate, and two channels

    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True)
        assert daemon.process.stdin is not None
        daemon.process.stdin.write(wav_header(48_000, 2))
        daemon.feed(in_stereo(ROOM[:16_000]))
        heard.topic(f"{ROOT}/source", b"live")
        heard.publish(f"{ROOT}/set/mute", "ON")
        heard.topic(f"{ROOT}/control/mute", b"ON")
        mark = heard.mark()
        heard.publish(f"{ROOT}/set/mute", "OFF")
        heard.topic(f"{ROOT}/control/mute", b"OFF", after=mark)
        daemon.feed(in_stereo(np.concatenate((ROOM[:16_000], tones.tone("happy", 4.0)))))
        heard.wait(event("started", "happy"), after=mark)


@pytest.mark.parametrize(
    ("section", "status", "words"),
    [
        ({"decision": {"hold": -1}}, 3, "decision.hold"),
        ({"model": {"path": "/nowhere"}}, 4, "/nowhere"),
        ({"mqtt": {"tls": True, "ca_file": "/nowhere.pem"}}, 3, "/nowhere.pem"),
        ({"paths": {"state": "/proc/moodwire"}}, 3, "paths.state"),
    ],
)
def test_what_only_a_person_can_mend_ends_it_with_words(
    make_daemon: MakeDaemon, broker: Broker, section: dict[str, Any], status: int, words: str
) -> None:
    daemon = make_daemon(broker, piped=True, **section)
    assert daemon.process.wait(WAIT_SECONDS) == status
    assert words in daemon.log and "Traceback" not in daemon.log


def test_interrupting_it_is_a_clean_end(make_daemon: MakeDaemon, broker: Broker) -> None:
    with Subscriber(broker) as heard:
        daemon = make_daemon(broker, piped=True)
        heard.topic(f"{ROOT}/availability", b"online")
        daemon.process.send_signal(signal.SIGINT)
        assert daemon.process.wait(END_SECONDS) == 0
        heard.topic(f"{ROOT}/availability", b"offline")


def test_a_page_whose_port_another_program_has_is_no_reason_to_hear_nothing(
    make_daemon: MakeDaemon, broker: Broker
) -> None:
    """The page of a second microphone, say: it would be deaf until somebody looks."""
    with socket.create_server(("127.0.0.1", 0)) as other, Subscriber(broker) as heard:
        port = other.getsockname()[1]
        daemon = make_daemon(broker, piped=True, web={"enabled": True, "port": port})
        daemon.feed(ROOM[:16_000])
        heard.topic(f"{ROOT}/source", b"live")
        assert f"web.port {port}: Address already in use" in daemon.log
