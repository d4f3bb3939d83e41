"""Serves the page from a thread of its own; the port is bound before anything else is told."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from threading import Event, Thread
from typing import Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from moodwire.config import Web
from moodwire.web.app import build_app
from moodwire.web.guard import Guard, check_address, password_hash
from moodwire.web.host import Host

log = logging.getLogger(__name__)

STOP_SECONDS = 2.0

REQUEST_SECONDS = 10.0
"""For a request to arrive, all but its body; the app limits bodies."""

CONNECTIONS: Final = 100
"""Of all visitors; whoever comes then is told that the page is busy."""

CONNECTIONS_EACH: Final = 50
"""Of one address: no single visitor takes the page from the others. A browser opens six; behind a
reverse proxy all come from its address."""

UNREAD_SECONDS = 120
"""After which a visitor who takes nothing of an answer is gone."""

FREEBIND: Final = {
    socket.AF_INET: (socket.IPPROTO_IP, 15),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 78),
}
"""IP_FREEBIND and IPV6_FREEBIND: listen on an address that the machine does not have yet."""


class Connection(H11Protocol):
    """Ends where nothing is asked. uvicorn would wait for ever for a first request and for the
    rest of any other, and then a hundred silent visitors keep everybody else out.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._has_enough():
            transport.close()
        else:
            self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._calm()

    def _has_enough(self) -> bool:
        """Whoever opened this one, the newest of them."""
        visitors = [each.client for each in self.connections if isinstance(each, Connection)]
        host = self.client[0] if self.client else ""
        theirs = sum(each[0] == host for each in visitors if each)
        if theirs > CONNECTIONS_EACH:
            log.warning("%s has %d connections to the page; no more", host, CONNECTIONS_EACH)
        return theirs > CONNECTIONS_EACH

    def _watch(self) -> None:
        """The deadline stays where it is when a little more arrives."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._calm()  # an answer may last: the live view, an export, a recording
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _calm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


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
            http=Connection,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
            limit_concurrency=CONNECTIONS,
            server_header=False,
            h11_max_incomplete_event_size=16_384,
        )
        logging.getLogger("uvicorn.error").addFilter(_is_no_goodbye)
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


def _is_no_goodbye(record: logging.LogRecord) -> bool:
    """Answers that still run when the server stops, such as every live view, are cancelled, and
    uvicorn takes each for an error of the app; nothing else cancels one."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _listen(settings: Web) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # each connection inherits it; in milliseconds
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1_000 * UNREAD_SECONDS)
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
