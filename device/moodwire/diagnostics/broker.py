"""The way to the broker, one step at a time: settings, name, TCP, TLS, login, topics, discovery.

Every step needs the one before it, so the first that fails is the last that is tried.
"""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta

from moodwire.diagnostics.finding import Finding, Findings, Grade, broken, fine, skipped, warning
from moodwire.diagnostics.subject import Subject
from moodwire.diagnostics.topics import look_at_topics
from moodwire.publish.broker import Broker, BrokerError, broker_from

PATIENCE_SECONDS = 5.0
EXPIRES_SOON = timedelta(days=14)


def look(about: Subject) -> Findings:
    if not about.config.mqtt.enabled:
        yield skipped("broker", "publishing is off (mqtt.enabled)")
        return
    try:
        broker = broker_from(about.config.mqtt)
    except BrokerError as error:
        yield broken("settings", str(error), "mend the configuration; moodwire config check")
        return
    for step in (_name, _tcp, _tls):
        finding = step(broker)
        yield finding
        if finding.grade is Grade.BROKEN:
            return
    yield from look_at_topics(about, broker)


def _name(broker: Broker) -> Finding:
    try:
        found = socket.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM)
    except OSError as error:
        return broken(
            "name",
            f"{broker.host} has no address: {error.strerror}",
            "see mqtt.host; try its IP address; names in .local need: apt install libnss-mdns",
        )
    return fine("name", f"{broker.host} is {', '.join(sorted({str(a[4][0]) for a in found}))}")


def _tcp(broker: Broker) -> Finding:
    try:
        socket.create_connection((broker.host, broker.port), PATIENCE_SECONDS).close()
    except ConnectionRefusedError:
        return broken(
            "TCP",
            f"nothing listens on {broker.address}",
            "see mqtt.port (1883, with TLS 8883); start the broker; mosquitto without a `listener` "
            "line hears only its own machine",
        )
    except OSError as error:
        return broken(
            "TCP",
            f"{broker.address} does not answer: {error.strerror or error}",
            f"is the broker on, and in the same network? try: ping {broker.host}; see its firewall",
        )
    return fine("TCP", f"{broker.address} takes connections")


def _tls(broker: Broker) -> Finding:
    if broker.tls is None:
        return skipped("TLS", "off (mqtt.tls): the password and the moods travel in the open")
    try:
        with (
            socket.create_connection((broker.host, broker.port), PATIENCE_SECONDS) as raw,
            broker.tls.wrap_socket(raw, server_hostname=broker.host) as wrapped,
        ):
            return _certificate(wrapped)
    except ssl.SSLCertVerificationError as error:
        return broken(
            "TLS",
            f"the broker's certificate is refused: {error.verify_message}",
            f"mqtt.ca_file must be the authority that signed it, mqtt.host ({broker.host}) a name "
            "that it is made out to, and the clock must be right",
        )
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        return broken("TLS", f"no TLS there: {reason}", "see mqtt.port: with TLS usually 8883")


def _certificate(wrapped: ssl.SSLSocket) -> Finding:
    certificate = wrapped.getpeercert() or {}
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    seen = f"{wrapped.version()}, certificate good until {until:%Y-%m-%d}"
    if until - datetime.now(UTC) < EXPIRES_SOON:
        return warning("TLS", seen, "renew the broker's certificate")
    return fine("TLS", seen)
