"""What the service manager sees: readiness, food for the watchdog, and an end with a reason."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from broker import WAIT_SECONDS, Broker, Subscriber
from daemon import ROOM, ROOT, DaemonProcess, Loudspeaker, sections_for, toml
from pulse import PulseServer

pytestmark = pytest.mark.broker


class ServiceManager:
    """The other end of sd_notify."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1500000"}
        self.told: list[str] = []

    def wait(self, start: str, timeout: float = WAIT_SECONDS) -> str:
        """The next message that begins like this."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                self.told.append(self._socket.recv(4_096).decode())
            except TimeoutError:
                break
            if self.told[-1].startswith(start):
                return self.told[-1]
        raise AssertionError(f"{start} was not told within {timeout} s, but {self.told[-20:]}")

    def forget(self) -> None:
        """What was told until now."""
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(4_096)
        except BlockingIOError:
            pass


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[ServiceManager]:
    yield ServiceManager(tmp_path / "notify")


@pytest.mark.pulse
def test_it_is_fed_while_it_hears_also_without_a_broker_and_while_muted(
    make_daemon: Callable[..., DaemonProcess],
    broker: Broker,
    pulse: PulseServer,
    play: Callable[[PulseServer, np.ndarray], Loudspeaker],
    manager: ServiceManager,
) -> None:
    play(pulse, ROOM)
    daemon = make_daemon(broker, pulse, environment=manager.environment)
    manager.wait("READY=1")
    manager.wait("STATUS=source live, broker connected")
    manager.wait("WATCHDOG=1", timeout=3.0)
    broker.kill()
    manager.wait("STATUS=source live, broker away")
    manager.forget()
    manager.wait("WATCHDOG=1", timeout=3.0)
    broker.start()
    manager.wait("STATUS=source live, broker connected")
    with Subscriber(broker) as heard:
        heard.publish(f"{ROOT}/set/mute", "ON")
        manager.wait("STATUS=source muted")
        manager.forget()
        manager.wait("WATCHDOG=1", timeout=3.0)
    daemon.reload()
    assert "MONOTONIC_USEC=" in manager.wait("RELOADING=1")
    manager.wait("READY=1")
    daemon.process.terminate()
    manager.wait("STOPPING=1")


def test_starting_anew_is_no_end_to_the_service_manager(
    make_daemon: Callable[..., DaemonProcess], broker: Broker, manager: ServiceManager
) -> None:
    """Once told that it stops, systemd kills it when it does not."""
    environment = manager.environment
    daemon = make_daemon(broker, environment=environment, microphone={"mute": True})
    manager.wait("STATUS=source muted, broker connected")
    with Subscriber(broker) as heard:
        heard.publish(f"{ROOT}/set/restart", "PRESS")
        manager.wait("RELOADING=1")
        manager.wait("WATCHDOG=1")
        manager.wait("READY=1")
    assert "STOPPING=1" not in manager.told
    daemon.process.terminate()
    manager.wait("STOPPING=1")


BREAKS = """
import sys
from moodwire.{module} import {name}
def breaks(*_): raise RuntimeError("made to fail")
{name}.{method} = breaks
from moodwire.cli import main
sys.argv = ["moodwire", "run", "--config", {file!r}, "--input", "-"]
main()
"""


@pytest.mark.parametrize(
    ("module", "name", "method"),
    [
        ("publish.link", "Link", "_do_chores"),
        ("pipeline", "Pipeline", "push"),
        ("service.monitor", "Monitor", "_do_chores"),
    ],
)
def test_an_error_in_any_thread_ends_the_process_and_is_its_last_line(
    broker: Broker, tmp_path: Path, module: str, name: str, method: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(toml(sections_for(broker, tmp_path / "state", {})))
    script = BREAKS.format(module=module, name=name, method=method, file=str(file))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=False
    )
    assert process.stdin is not None
    process.stdin.write((ROOM[:32_000] * 32_768).astype("<i2").tobytes())
    process.stdin.flush()
    assert process.wait(WAIT_SECONDS) == 1
    assert process.stderr is not None
    last = process.stderr.read().decode().strip().splitlines()[-1]
    assert last == "Error: moodwire ends: RuntimeError: made to fail"
    process.stdin.close()
