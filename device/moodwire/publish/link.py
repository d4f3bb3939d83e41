"""The way to the broker: one thread, which reconnects for ever and loses no event."""

from __future__ import annotations

import logging
import os
import select
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from moodwire.backoff import STABLE_SECONDS, Backoff
from moodwire.config import PROFILE_NAMES, Config
from moodwire.publish.broker import broker_from
from moodwire.publish.clearing import Clearing
from moodwire.publish.clock import Clock
from moodwire.publish.commands import Command, CommandReader
from moodwire.publish.connection import STEP_SECONDS, Connection, ConnectionFailedError, Will
from moodwire.publish.conversation import Conversation
from moodwire.publish.dispatch import Dispatch
from moodwire.publish.hardware import Hardware
from moodwire.publish.homeassistant import Discovery
from moodwire.publish.identity import Identities, identity_of
from moodwire.publish.outage import Outage
from moodwire.publish.outbox import Outbox
from moodwire.publish.publication import Counters, Publication
from moodwire.publish.topics import OFFLINE, Topics

log = logging.getLogger(__name__)

MAINTENANCE_SECONDS: Final = 2.0
"""What has waited in the outbox for longer survives a power cut."""

SUSPICIOUS_LIVES: Final = 2

STOPPING_STEP_SECONDS: Final = 0.05

GOODBYE_SHARE: Final = 0.4
"""Of the time for stopping; what comes before is for events that still wait."""


class Link:
    """A Publisher over MQTT. Commands and failures are told from its thread.

    The outbox outlives it: what this link could not deliver is the next one's to tell.
    """

    def __init__(
        self,
        config: Config,
        outbox: Outbox,
        identities: Identities,
        *,
        clock: Clock,
        labels: tuple[str, ...],
        hardware: Hardware,
        can_restart: bool = True,
        on_command: Callable[[Command], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        topics = Topics(config.mqtt.prefix, config.device.id)
        self._client_id = f"moodwire-{topics.device}"
        self._will = Will(topics.availability, OFFLINE)
        self._broker = broker_from(config.mqtt)
        self._outbox = outbox
        self._dispatch = Dispatch(self._outbox, clock)
        self._clearing = Clearing(identity_of(config), identities)
        self._conversation = Conversation(
            topics,
            Discovery(config, topics, labels, hardware, can_restart=can_restart),
            CommandReader(config.mqtt.controls, PROFILE_NAMES),
            self._dispatch,
            self._clearing,
            on_command,
        )
        self._on_failure = on_failure
        self._outage = Outage(log)
        self._connections = 0
        self._connected = False
        self._short_lives = 0
        self._maintain_at = 0.0
        self._stop_at: float | None = None
        self._drain_until = 0.0
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self._wake).atexit = False
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    @property
    def connected(self) -> bool:
        return self._connected

    @property
    def counters(self) -> Counters:
        return Counters(
            reconnects=max(0, self._connections - 1),
            queue=len(self._outbox),
            dropped=self._outbox.dropped,
            refused=self._dispatch.refused,
        )

    def start(self) -> None:
        self._thread.start()

    def publish(self, publications: Iterable[Publication]) -> None:
        self._dispatch.accept(publications)
        os.eventfd_write(self._wake, 1)

    def stop(self, timeout: float) -> None:
        """The thread may hang in a name look-up; it is then left behind, the outbox is safe."""
        if self._stop_at is not None:
            return
        now = time.monotonic()
        self._drain_until = now + timeout * (1.0 - GOODBYE_SHARE)
        self._stop_at = now + timeout
        os.eventfd_write(self._wake, 1)
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            backoff = Backoff()
            while self._stop_at is None:
                self._rest(backoff.wait(self._live_once()))
        except BaseException as error:
            self._on_failure(error)

    def _rest(self, seconds: float) -> None:
        """Until it is time for another try, or to stop."""
        until = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        while self._stop_at is None and (left := until - time.monotonic()) > 0:
            poll.poll(min(left, MAINTENANCE_SECONDS) * 1000)
            self._do_chores()

    def _live_once(self) -> float:
        """One connection from beginning to end; returns the seconds for which it was of use."""
        connection = Connection(self._broker, self._client_id, self._conversation, self._will)
        began: float | None = None
        try:
            connection.open()
            while connection.ended is None and not self._is_time_to_leave(connection):
                connection.step(self._patience(), self._wake)
                if connection.is_ready:
                    began = began or self._begin(connection)
                    self._send(connection)
                self._do_chores()
            if connection.is_ready:
                self._take_leave(connection)
            elif connection.ended is not None:
                self._outage.begun(connection.ended + self._suspicion(began))
        except ConnectionFailedError as error:
            self._outage.begun(str(error))
        finally:
            self._connected = False
            self._dispatch.disconnected()
            self._clearing.disconnected()
            connection.close()
        return time.monotonic() - began if began is not None else 0.0

    def _suspicion(self, began: float | None) -> str:
        """Two clients of one name throw each other out; few brokers say so."""
        short = began is not None and time.monotonic() - began < STABLE_SECONDS
        self._short_lives = self._short_lives + 1 if short else 0
        if self._short_lives < SUSPICIOUS_LIVES:
            return ""
        return ", again so soon: does another device have this device.id?"

    def _begin(self, connection: Connection) -> float:
        self._connections += 1
        self._outage.over(self._broker.address)
        self._clearing.connected()
        connection.subscribe(*self._conversation.filters)
        self._conversation.greet()
        self._connected = True
        return time.monotonic()

    def _send(self, connection: Connection) -> None:
        self._conversation.announce_when_due()
        now = time.monotonic()
        room = connection.in_flight - self._clearing.under_way
        while packet := self._dispatch.next(room, now):
            self._dispatch.sent(connection.publish(packet), packet)
        if self._dispatch.idle:
            self._clearing.go_on(connection, now)

    def _patience(self) -> float:
        """Seconds until something is due even if nothing happens."""
        if self._stop_at is not None:
            return STOPPING_STEP_SECONDS
        birth = self._conversation.announce_at - time.monotonic()
        return min(birth, MAINTENANCE_SECONDS if self._outbox.touched else STEP_SECONDS)

    def _do_chores(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        now = time.monotonic()
        if self._stop_at is None and now >= self._maintain_at:
            self._maintain_at = now + MAINTENANCE_SECONDS
            self._outbox.maintain()

    def _is_time_to_leave(self, connection: Connection) -> bool:
        if self._stop_at is None:
            return False
        done = not connection.is_ready or self._dispatch.idle
        return done or time.monotonic() >= self._drain_until

    def _take_leave(self, connection: Connection) -> None:
        """`offline`, acknowledged, before the polite end at which the broker forgets the will."""
        packet = self._conversation.goodbye()
        number = connection.publish(packet)
        self._dispatch.sent(number, packet)
        while connection.ended is None and self._dispatch.awaits(number):
            if time.monotonic() >= (self._stop_at or 0.0):
                return
            connection.step(STOPPING_STEP_SECONDS, self._wake)
        connection.disconnect()
