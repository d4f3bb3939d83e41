"""As much of an MQTT broker as it takes to accept and acknowledge what a daemon publishes.

So the way to the broker is measured as it is, and no broker need be installed.
"""

from __future__ import annotations

import socket
import struct
import threading
import time

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = (
    1, 2, 3, 4, 8, 9, 12, 14,
)  # fmt: skip


class Sink:
    """Takes any number of clients of version 5; remembers when a topic first had a payload."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._seen: dict[tuple[str, bytes], float] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._accept, name="sink", daemon=True).start()

    def forget(self) -> None:
        with self._changed:
            self._seen.clear()

    def when(self, topic: str, payload: bytes, timeout: float) -> float:
        """Monotonic time at which this first came."""
        with self._changed:
            if not self._changed.wait_for(lambda: (topic, payload) in self._seen, timeout):
                raise TimeoutError(f"{topic} was not {payload!r} within {timeout:g} s")
            return self._seen[topic, payload]

    def _accept(self) -> None:
        while True:
            client, _ = self._server.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as stream:
            while first := stream.read(1):
                length = shift = 0
                while (byte := stream.read(1)[0]) & 0x80:
                    length |= (byte & 0x7F) << shift
                    shift += 7
                body = stream.read(length | byte << shift)
                self._answer(client, first[0], body)

    def _answer(self, client: socket.socket, first: int, body: bytes) -> None:
        kind = first >> 4
        if kind == CONNECT:
            client.sendall(bytes((CONNACK << 4, 3, 0, 0, 0)))
        elif kind == SUBSCRIBE:
            client.sendall(bytes((SUBACK << 4, 4)) + body[:2] + b"\0\1")
        elif kind == PINGREQ:
            client.sendall(bytes((0xD0, 0)))
        elif kind == PUBLISH:
            self._take(client, first >> 1 & 3, body)

    def _take(self, client: socket.socket, qos: int, body: bytes) -> None:
        (length,) = struct.unpack_from(">H", body)
        topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
        if qos:
            client.sendall(bytes((PUBACK << 4, 2)) + rest[:2])
            rest = rest[2:]
        payload = rest[1 + rest[0] :]  # behind the properties, which are few
        with self._changed:
            self._seen.setdefault((topic, payload), time.monotonic())
            self._changed.notify_all()
