"""What the service manager is told (sd_notify): a datagram to the socket that it names."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """Silent where there is no service manager; never raises, telling is not worth dying for."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._socket: socket.socket | None = None
        if self._address:
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_UNIX, kind)
        self.watchdog_seconds = _watchdog_seconds(environment)
        """How long the service manager waits to be fed; None: it does not watch."""
        self._status = ""

    def ready(self) -> None:
        self._tell("READY=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; told only when it changes."""
        if text != self._status and self._tell(f"STATUS={text}"):
            self._status = text

    def feed(self) -> None:
        self._tell("WATCHDOG=1")

    def reloading(self) -> None:
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def starting_anew(self) -> None:
        """The process goes on as a fresh program. Told that it stops, systemd would wait for its
        end, and kill it. To load, it has a whole period of the watchdog."""
        self.reloading()
        self.feed()

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def _tell(self, message: str) -> bool:
        """Whether it was taken; ten unread messages fill the socket."""
        if self._socket is None:
            return False
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            return False
        return True


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    meant_for = environment.get("WATCHDOG_PID")
    microseconds = environment.get("WATCHDOG_USEC", "")
    if meant_for not in (None, str(os.getpid())) or not microseconds.isdecimal():
        return None
    return int(microseconds) / 1e6 or None
