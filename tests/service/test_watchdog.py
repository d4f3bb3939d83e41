"""What feeds the service manager's watchdog, in virtual time; and the datagrams themselves."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from moodwire.service.notify import Notifier
from moodwire.service.watchdog import GRACE_SECONDS, RECOVERY_SECONDS, WatchdogGate


def test_fed_while_hops_advance() -> None:
    gate = WatchdogGate(0.0)
    assert all(
        gate.deserves_food(now, blocks=now, hops=now, muted=False) for now in range(1, 10_000)
    )


def test_starves_when_sound_arrives_but_nothing_is_judged() -> None:
    gate = WatchdogGate(0.0)
    fed = [gate.deserves_food(now, blocks=now, hops=7, muted=False) for now in range(1, 60)]
    assert fed[0] and not any(fed[int(GRACE_SECONDS) + 1 :])


def test_a_dead_source_is_left_to_the_daemon_for_a_while_only() -> None:
    gate = WatchdogGate(0.0)
    gate.deserves_food(1.0, blocks=4, hops=4, muted=False)
    assert gate.deserves_food(RECOVERY_SECONDS, blocks=4, hops=4, muted=False)
    assert not gate.deserves_food(RECOVERY_SECONDS + 2.0, blocks=4, hops=4, muted=False)
    assert gate.deserves_food(RECOVERY_SECONDS + 3.0, blocks=5, hops=5, muted=False)


def test_a_muted_device_is_fed_for_ever() -> None:
    gate = WatchdogGate(0.0)
    week = range(0, 7 * 86_400, 10)
    assert all(gate.deserves_food(now, blocks=3, hops=3, muted=True) for now in week)


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.settimeout(5.0)
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    listening.bind("notify")
    return listening


def test_tells_the_service_manager(manager: socket.socket) -> None:
    notifier = Notifier(
        {"NOTIFY_SOCKET": "notify", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    )
    assert notifier.watchdog_seconds == 30.0
    notifier.ready()
    notifier.status("live")
    notifier.status("live")
    notifier.reloading()
    notifier.feed()
    told = [manager.recv(500).decode() for _ in range(4)]
    assert told[:2] == ["READY=1", "STATUS=live"], "an unchanged status is told once"
    assert told[2].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert told[3] == "WATCHDOG=1"


def test_a_status_that_a_busy_service_manager_missed_is_told_again(manager: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": "notify"})
    for _ in range(1000):  # more than any kernel keeps unread
        notifier.feed()
    notifier.status("lost")
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            assert manager.recv(500) == b"WATCHDOG=1"
    notifier.status("lost")
    assert manager.recv(500) == b"STATUS=lost"


def test_a_vanished_service_manager_does_no_harm(manager: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": "notify"})
    manager.close()
    Path("notify").unlink()
    notifier.ready()
    Notifier({}).ready()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "x"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"},
    ],
)
def test_no_watchdog_that_is_meant_for_us(environment: dict[str, str]) -> None:
    assert Notifier(environment).watchdog_seconds is None
