"""Serves the page from a thread of its own; the port is bound before anything else is told."""

from __future__ import annotations

import errno
import logging
import socket
from threading import Event, Thread
from typing import Final

import uvicorn

from moodwire.config import Web
from moodwire.web.app import build_app
from moodwire.web.guard import Guard, check_address, password_hash
from moodwire.web.host import Host

log = logging.getLogger(__name__)

STOP_SECONDS = 2.0

FREEBIND: Final = {
    socket.AF_INET: (socket.IPPROTO_IP, 15),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 78),
}
"""IP_FREEBIND and IPV6_FREEBIND: listen on an address that the machine does not have yet."""


class WebServer:
    """`start` raises where the settings or the port forbid it; `stop` ends all connections."""

    def __init__(self, host: Host) -> None:
        settings = host.config.web
        hashed = password_hash(settings)
        check_address(settings.address, hashed)
        self._socket = _listen(settings)
        address, self.port = self._socket.getsockname()[:2]
        self.url = f"http://{f'[{address}]' if ':' in address else address}:{self.port}/"
        self.ended = Event()
        config = uvicorn.Config(
            build_app(host, Guard(hashed)),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
            limit_concurrency=100,
            server_header=False,
            h11_max_incomplete_event_size=16_384,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self.ended.set()


def _listen(settings: Web) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        _bind(listening, settings)
        listening.listen(64)  # from here on visitors wait instead of being refused
    except OSError as error:
        listening.close()
        raise OSError(
            f"web.address {settings.address}, web.port {settings.port}: {error.strerror}; "
            "choose another port, or 0 for any free one"
        ) from error
    return listening


def _bind(listening: socket.socket, settings: Web) -> None:
    """At boot the network comes later than this; that must not keep the daemon from hearing."""
    try:
        listening.bind((settings.address, settings.port))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        log.warning(
            "web.address %s is not an address of this machine; the page is there once it is",
            settings.address,
        )
        listening.setsockopt(*FREEBIND[listening.family], 1)
        listening.bind((settings.address, settings.port))
