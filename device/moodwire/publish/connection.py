"""One connection to the broker, from the first packet to the last; the next one is a new object.

paho-mqtt speaks the protocol. Its own reconnecting, queueing and threads are not used: what waits
is in our outbox, and one thread, the owner's, does everything by calling `step`.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from paho.mqtt.client import (
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    WebsocketConnectionError,
)
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from moodwire.publish.broker import Broker

CONNECT_SECONDS: Final = 5.0
"""For name, TCP and TLS together with CONNACK: twice this at most."""

STEP_SECONDS: Final = 5.0
"""Often enough for any keep-alive that the configuration allows."""

IN_FLIGHT: Final = 20
"""Messages sent and not yet acknowledged; what mosquitto allows by default."""

NO_MATCHING_SUBSCRIBERS: Final = 16
"""Reason code of an acknowledgement."""

PACKET_MAXIMUM: Final = 65_536
"""Bytes; a broker that speaks version 5 keeps larger messages away from us."""


class ConnectionFailedError(Exception):
    """Why there is no connection, in words for the log."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One message on the wire; `key` is the outbox's, None for anything else."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    key: int | None = None


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we vanish."""

    topic: str
    payload: bytes


class Listener(Protocol):
    """Called from within `step`."""

    def acknowledged(self, number: int, refusal: str | None, unread: bool) -> None:
        """`unread`: nobody subscribes to the topic; some brokers say so, in version 5."""
        ...

    def received(self, topic: str, payload: bytes, retained: bool) -> None: ...


class Connection:
    """Not thread-safe: it belongs to the thread that opens it."""

    def __init__(
        self, broker: Broker, client_id: str, listener: Listener, will: Will | None = None
    ) -> None:
        self.in_flight = IN_FLIGHT
        self.is_ready = False
        self.ended: str | None = None
        """Why the connection is over; None while it lives."""
        self._broker = broker
        self._listener = listener
        self._deadline = 0.0
        self._poll = select.poll()
        self._client = self._make_client(client_id)
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=True)

    def _make_client(self, client_id: str) -> Client:
        broker = self._broker
        version_5 = broker.protocol == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if version_5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if version_5 else MQTTProtocolVersion.MQTTv311,
            transport="websockets" if broker.transport == "websockets" else "tcp",
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_SECONDS
        if broker.transport == "websockets":
            client.ws_set_options(path=broker.websocket_path)
        if broker.username:
            client.username_pw_set(broker.username, broker.password or None)
        if broker.tls is not None:
            client.tls_set_context(broker.tls)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def open(self) -> None:
        """Waits for TCP and TLS; `is_ready` comes later, in `step`."""
        properties = None
        if self._broker.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.MaximumPacketSize = PACKET_MAXIMUM
        self._deadline = time.monotonic() + 2 * CONNECT_SECONDS
        try:
            self._client.connect(
                self._broker.host, self._broker.port, self._broker.keepalive, properties=properties
            )
        except (OSError, ValueError) as error:
            raise ConnectionFailedError(f"{self._broker.address}: {_words(error)}") from None

    def step(self, timeout: float, wake: int | None = None) -> None:
        """Wait until there is something to do, at most `timeout` seconds, and do it; no longer than
        until `wake` can be read."""
        sock = self._client.socket()
        if sock is None:
            self._end("the connection was lost")
            return
        # TLS may have decrypted more than was read; poll() does not know of that.
        pending = getattr(sock, "pending", None)
        waiting = pending() if pending is not None else 0
        out = select.POLLOUT if self._client.want_write() else 0
        if wake is not None:
            self._poll.register(wake, select.POLLIN)
        self._poll.register(sock.fileno(), select.POLLIN | out)
        number = sock.fileno()
        happened = dict(self._poll.poll(0 if waiting else max(0.0, timeout) * 1000))
        self._poll.unregister(number)
        flags = happened.get(number, 0)
        if waiting or flags & ~select.POLLOUT:
            self._do(self._client.loop_read())
        if flags & select.POLLOUT:
            self._do(self._client.loop_write())
        self._do(self._client.loop_misc())
        if not self.is_ready and time.monotonic() > self._deadline:
            self._end("the broker took the connection and then said nothing")

    def listen(
        self,
        *filters: str,
        as_published: bool = True,
        wake: int | None = None,
        until: Callable[[], bool] = lambda: False,
    ) -> float:
        """Opens it, subscribes, and tells what comes until it ends, or until `until` holds after
        `wake`; the seconds for which it was of use."""
        began: float | None = None
        self.open()
        while self.ended is None and not until():
            self.step(STEP_SECONDS, wake)
            if self.is_ready and began is None:
                self.subscribe(*filters, as_published=as_published)
                began = time.monotonic()
        return 0.0 if began is None else time.monotonic() - began

    def publish(self, packet: Packet) -> int:
        """The number under which `acknowledged` will be told."""
        return self._client.publish(packet.topic, packet.payload, packet.qos, packet.retain).mid

    def subscribe(self, *filters: str, as_published: bool = True) -> None:
        """With version 5 messages sent retained are told to be so even when they are new.

        Not `as_published`, or with version 3.1.1: only those that the broker had stored.
        """
        if self._broker.protocol == "5":
            options = SubscribeOptions(qos=1, retainAsPublished=as_published)
            self._client.subscribe([(each, options) for each in filters])
        else:
            self._client.subscribe([(each, 1) for each in filters])

    def unsubscribe(self, *filters: str) -> None:
        self._client.unsubscribe(list(filters))

    def disconnect(self) -> None:
        """Politely: the broker drops the will."""
        self._client.disconnect()
        self._end("closed by us")

    def close(self) -> None:
        """Without a word, as if the power had gone."""
        if (sock := self._client.socket()) is not None:
            sock.close()

    def _do(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end(_lost(code))

    def _end(self, reason: str) -> None:
        self.is_ready = False
        self.ended = self.ended or f"{self._broker.address}: {reason}"

    def _on_connect(
        self,
        _: Client,
        data: object,
        flags: ConnectFlags,
        code: ReasonCode,
        props: Properties | None,
    ) -> None:
        if code.is_failure:
            self._end(_refused(str(code), self._broker))
            return
        self.in_flight = min(IN_FLIGHT, getattr(props, "ReceiveMaximum", IN_FLIGHT))
        self.is_ready = True

    def _on_disconnect(
        self, _: Client, data: object, flags: DisconnectFlags, code: ReasonCode, props: object
    ) -> None:
        who = "the broker ended the connection" if flags[0] else "the connection was lost"
        self._end(f"{who}: {code}")

    def _on_publish(
        self, _: Client, data: object, number: int, code: ReasonCode, props: object
    ) -> None:
        refusal = str(code) if code.is_failure else None
        self._listener.acknowledged(number, refusal, code.value == NO_MATCHING_SUBSCRIBERS)

    def _on_message(self, _: Client, data: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._listener.received(topic, bytes(message.payload), message.retain)


def _words(error: Exception) -> str:
    match error:
        case socket.gaierror():
            return f"no such name ({error.strerror}); see mqtt.host"
        case ConnectionRefusedError():
            return "nothing listens there; see mqtt.port, or start the broker"
        case TimeoutError():
            return f"no answer within {CONNECT_SECONDS:g} s"
        case ssl.SSLCertVerificationError():
            why = error.verify_message
            return f"its certificate is no good ({why}); see mqtt.ca_file, mqtt.host and the clock"
        case ssl.SSLError():
            return f"TLS fails ({error.reason}); see mqtt.tls and mqtt.port"
        case WebsocketConnectionError():
            return f"no websocket there ({error}); see mqtt.websocket_path"
        case OSError():
            return error.strerror or str(error)
    return str(error)


def _refused(reason: str, broker: Broker) -> str:
    if "protocol" in reason.lower():
        return f"the broker does not speak version {broker.protocol}; see mqtt.protocol"
    who = f"user {broker.username}" if broker.username else "without a user name"
    return f"the broker refuses us, {who}: {reason}; see mqtt.username and mqtt.password_file"


def _lost(code: MQTTErrorCode) -> str:
    return f"the connection was lost ({code.name.removeprefix('MQTT_ERR_').lower()})"
