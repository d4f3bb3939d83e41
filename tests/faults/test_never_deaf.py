"""What happens to the daemon when the audio server does what audio servers do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from broker import Broker, Subscriber
from daemon import ROOM, ROOT, DaemonProcess, Loudspeaker
from kitchen import wait_until
from pulse import PulseServer

pytestmark = [pytest.mark.broker, pytest.mark.pulse]

TELLS_WITHIN = 5.0
"""Seconds until the source topic says that something is wrong: what the product promises."""

RECOVERS_WITHIN = 20.0

SOURCE = f"{ROOT}/source"


@pytest.fixture
def listening(
    make_daemon: Callable[..., DaemonProcess],
    broker: Broker,
    pulse: PulseServer,
    play: Callable[[PulseServer, np.ndarray], Loudspeaker],
) -> Iterator[tuple[DaemonProcess, Subscriber]]:
    """A daemon that hears a room."""
    with Subscriber(broker) as heard:
        play(pulse, ROOM)
        daemon = make_daemon(broker, pulse)
        heard.topic(SOURCE, b"live")
        yield daemon, heard


def told_to_be(heard: Subscriber, mark: int, *states: bytes) -> bytes:
    found = heard.wait(
        lambda each: each.topic == SOURCE and each.payload in states,
        timeout=TELLS_WITHIN,
        after=mark,
    )
    return found.payload


def test_a_killed_audio_server_is_told_at_once_and_recovered_from(
    listening: tuple[DaemonProcess, Subscriber],
    pulse: PulseServer,
    play: Callable[[PulseServer, np.ndarray], Loudspeaker],
) -> None:
    daemon, heard = listening
    mark = heard.mark()
    pulse.stop()
    assert told_to_be(heard, mark, b"lost") == b"lost"
    daemon.wait_for_log("source is lost")
    mark = heard.mark()
    pulse.start()
    play(pulse, ROOM)
    heard.topic(SOURCE, b"live", after=mark, timeout=RECOVERS_WITHIN)
    assert daemon.process.poll() is None, "the daemon itself lived through it"


def test_a_suspended_microphone_is_told_and_heard_again_without_reopening(
    listening: tuple[DaemonProcess, Subscriber], pulse: PulseServer
) -> None:
    _, heard = listening
    mark = heard.mark()
    pulse.suspend()
    assert told_to_be(heard, mark, b"stalled") == b"stalled"
    mark = heard.mark()
    pulse.resume()
    heard.topic(SOURCE, b"live", after=mark, timeout=RECOVERS_WITHIN)
    told = [each.payload for each in heard.messages if each.topic == SOURCE]
    assert b"lost" not in told


def test_a_frozen_audio_server_neither_deafens_nor_hangs_the_daemon(
    listening: tuple[DaemonProcess, Subscriber],
    pulse: PulseServer,
) -> None:
    daemon, heard = listening
    mark = heard.mark()
    pulse.freeze()
    assert told_to_be(heard, mark, b"stalled") == b"stalled"
    heard.topic(SOURCE, b"lost", after=mark, timeout=RECOVERS_WITHIN)
    pulse.thaw()
    heard.topic(SOURCE, b"live", after=mark, timeout=RECOVERS_WITHIN)
    assert daemon.process.poll() is None


def test_a_frozen_audio_server_does_not_hinder_the_end(
    listening: tuple[DaemonProcess, Subscriber], pulse: PulseServer
) -> None:
    daemon, heard = listening
    pulse.freeze()
    heard.topic(SOURCE, b"stalled")
    daemon.terminate()
    assert daemon.process.returncode == 0
    heard.topic(f"{ROOT}/availability", b"offline")


def test_a_killed_daemon_leaves_nobody_recording(
    listening: tuple[DaemonProcess, Subscriber], pulse: PulseServer
) -> None:
    daemon, heard = listening
    daemon.kill()
    wait_until(lambda: not pulse.recording(), timeout=3.0)
    heard.topic(f"{ROOT}/availability", b"offline")
