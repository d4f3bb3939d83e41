"""How to reach the broker: addresses, secrets and certificates, read once and checked at once."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from moodwire.config import Mqtt, credential_path

USERNAME_VARIABLE: Final = "MOODWIRE_MQTT_USERNAME"
PASSWORD_VARIABLE: Final = "MOODWIRE_MQTT_PASSWORD"
SECRET_MAXIMUM: Final = 65_535
"""Bytes; what the protocol can carry."""


class BrokerError(ValueError):
    """Settings with which no broker can be reached; the message names the setting."""


@dataclass(frozen=True, slots=True)
class Broker:
    """All that a connection needs."""

    host: str
    port: int
    protocol: str
    transport: str
    websocket_path: str
    keepalive: int
    username: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def broker_from(settings: Mqtt, environment: Mapping[str, str] = os.environ) -> Broker:
    return Broker(
        host=settings.host,
        port=settings.port,
        protocol=settings.protocol,
        transport=settings.transport,
        websocket_path=settings.websocket_path,
        keepalive=settings.keepalive,
        username=settings.username or environment.get(USERNAME_VARIABLE, ""),
        password=_password(settings, environment),
        tls=_context(settings) if settings.tls else None,
    )


def _password(settings: Mqtt, environment: Mapping[str, str]) -> str:
    """From the configuration, its file, the environment, or the credential `password`."""
    if settings.password:
        return settings.password
    if settings.password_file:
        return _first_line("mqtt.password_file", credential_path(settings.password_file))
    if PASSWORD_VARIABLE in environment:
        return environment[PASSWORD_VARIABLE]
    usual = credential_path("password")
    return _first_line("mqtt.password_file", usual) if os.access(usual, os.R_OK) else ""


def _first_line(setting: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(SECRET_MAXIMUM + 1)
    except OSError as error:
        raise BrokerError(f"{setting}: {path} cannot be read: {error.strerror}") from None
    try:
        line = content.decode("utf-8-sig").partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        raise BrokerError(f"{setting}: {path} is not text in UTF-8") from None
    if not line:
        raise BrokerError(f"{setting}: the first line of {path} is empty; write the password there")
    return line


def _context(settings: Mqtt) -> ssl.SSLContext:
    ca_file = _readable("mqtt.ca_file", settings.ca_file)
    certificate = _readable("mqtt.certificate_file", settings.certificate_file)
    key = _readable("mqtt.key_file", settings.key_file)
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise BrokerError(f"mqtt.ca_file: {ca_file} is no PEM certificate: {error}") from None
    if ca_file:
        # Authorities that people make themselves seldom state their key's usage; since
        # Python 3.13 that would be refused. Chain and host name are checked all the same.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if certificate:
        try:
            # An encrypted key would ask for its passphrase on the terminal.
            context.load_cert_chain(certificate, key, password="")
        except (ssl.SSLError, ValueError) as error:
            raise BrokerError(
                f"mqtt.certificate_file and mqtt.key_file ({certificate}, {key}) do not make "
                f"a pair without a passphrase: {error}"
            ) from None
    return context


def _readable(setting: str, name: str) -> str | None:
    if not name:
        return None
    path = credential_path(name)
    try:
        path.open("rb").close()
    except OSError as error:
        raise BrokerError(f"{setting}: {path} cannot be read: {error.strerror}") from None
    return str(path)
