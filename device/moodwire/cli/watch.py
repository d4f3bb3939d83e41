"""`moodwire watch`: what devices say on a broker."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from moodwire.backoff import Backoff
from moodwire.cli.problems import BROKER, CONFIGURATION, CommandError, exits_with
from moodwire.config import ConfigError, find_config, load_config
from moodwire.config.sections import Identifier
from moodwire.config.words import allowed
from moodwire.publish.broker import Broker, BrokerError, broker_from
from moodwire.publish.connection import Connection, ConnectionFailedError
from moodwire.publish.reading import Reader
from moodwire.unreadable import UNREADABLE


class Watcher:
    """Prints what the connection hears; ends after `count` lines, 0 meaning never."""

    def __init__(self, prefix: str, as_json: bool, count: int) -> None:
        self._reader = Reader(prefix)
        self._as_json = as_json
        self._left = count

    def acknowledged(self, number: int, refusal: str | None, unread: bool) -> None:
        """Nothing is sent."""

    def received(self, topic: str, payload: bytes, retained: bool) -> None:
        line = _json_line(topic, payload, retained) if self._as_json else self._line(topic, payload)
        if line is None:
            return
        click.echo(line)
        if self._left:
            self._left -= 1
            if not self._left:
                raise _EnoughError

    def _line(self, topic: str, payload: bytes) -> str | None:
        said = self._reader.line(topic, payload)
        return None if said is None else f"{datetime.now():%H:%M:%S}  {said}"


class _EnoughError(Exception):
    """As many lines were printed as were asked for."""


@click.command()
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the broker is; default: $MOODWIRE_CONFIG or /etc/moodwire/config.toml.",
)
@click.option("--host", help="Broker, instead of the file's.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Its port.")
@click.option("--username", help="The password comes from $MOODWIRE_MQTT_PASSWORD.")
@click.option("--device", "device", default="+", help="Only this device.  [default: all]")
@click.option("--json", "as_json", is_flag=True, help="One object per message, nothing left out.")
@click.option("--count", type=click.IntRange(0), default=0, help="End after so many lines.")
def command(
    config_path: Path | None,
    host: str | None,
    port: int | None,
    username: str | None,
    device: str,
    as_json: bool,
    count: int,
) -> None:
    """Prints what the devices of a broker say, until it is interrupted."""
    given = {"host": host, "port": port, "username": username}
    with exits_with(CONFIGURATION, ConfigError, BrokerError):
        settings = load_config(find_config(config_path)).mqtt
        own = {name: value for name, value in given.items() if value is not None}
        settings = msgspec.structs.replace(settings, **own)
        broker = broker_from(settings)
    _check_device(device)
    with suppress(_EnoughError):
        watcher = Watcher(settings.prefix, as_json, count)
        _watch(broker, f"{settings.prefix}/{device}/#", watcher)


def _check_device(device: str) -> None:
    """What the configuration asks of an id."""
    try:
        msgspec.convert(device.replace("+", "all"), Identifier)
    except msgspec.ValidationError:
        refusal = f"--device is {device!r}; allowed: {allowed(Identifier)}"
        raise CommandError(refusal, CONFIGURATION) from None


def _watch(broker: Broker, topics: str, watcher: Watcher) -> None:
    """A broker that cannot be reached at first is an error; one that goes away may come back."""
    backoff = Backoff()
    reached = False
    while True:
        connection = Connection(broker, f"moodwire-watch-{secrets.token_hex(4)}", watcher)
        try:
            lived = connection.listen(topics)
            reached = reached or lived > 0.0
            trouble = connection.ended
        except ConnectionFailedError as error:
            lived, trouble = 0.0, str(error)
        finally:
            connection.close()
        if not reached:
            raise CommandError(str(trouble), BROKER)
        click.echo(f"{trouble}; trying again", err=True)
        time.sleep(backoff.wait(lived))


def _json_line(topic: str, payload: bytes, retained: bool) -> str:
    """Payloads that are JSON as what they are, others as text."""
    value: Any
    try:
        value = msgspec.json.decode(payload)
    except UNREADABLE:
        value = payload.decode(errors="replace")
    line = {"topic": topic, "retained": retained, "payload": value}
    return msgspec.json.encode(line).decode()
