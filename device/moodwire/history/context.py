"""Numbers of other sensors, heard over MQTT and kept beside the moods."""

from __future__ import annotations

import logging
import math
import os
import time
from threading import Thread
from typing import Final

from moodwire.backoff import Backoff
from moodwire.config import Config
from moodwire.history.recorder import HistoryRecorder
from moodwire.publish.broker import broker_from
from moodwire.publish.connection import Connection, ConnectionFailedError

log = logging.getLogger(__name__)

LONGEST_NUMBER: Final = 64  # bytes of a payload


class ContextListener:
    """Subscribes to the topics of [[history.context]] on a connection of its own.

    The daemon's link must not be disturbed by what others publish, however much it is.
    """

    def __init__(self, config: Config, recorder: HistoryRecorder) -> None:
        self._names = {each.topic: each.name for each in config.history.context}
        self._broker = broker_from(config.mqtt)
        self._client_id = f"moodwire-{config.device.id}-context"
        self._recorder = recorder
        self._ended = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = Thread(target=self._run, name="history-context", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended = True
        os.eventfd_write(self._wake, 1)

    def acknowledged(self, number: int, refusal: str | None, unread: bool) -> None:
        """Nothing is ever published here."""

    def received(self, topic: str, payload: bytes, retained: bool) -> None:
        name = self._names.get(topic)
        if name is None or retained or len(payload) > LONGEST_NUMBER:
            return  # a number that the broker had stored may be of last year
        try:
            value = float(payload)
        except ValueError:
            log.warning("history.context %s: %r on %s is no number", name, payload, topic)
            return
        if math.isfinite(value):
            self._recorder.note_context(time.time(), name, value)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._ended:
            time.sleep(backoff.wait(self._listen_once()))

    def _listen_once(self) -> float:
        """Returns the seconds for which the connection was of use."""
        connection = Connection(self._broker, self._client_id, self)
        try:
            # sensors send retained: only what was stored is to be told as such
            lived = connection.listen(
                *self._names, as_published=False, wake=self._wake, until=lambda: self._ended
            )
            trouble = connection.ended
        except ConnectionFailedError as error:
            lived, trouble = 0.0, str(error)
        finally:
            connection.close()
        if trouble is not None:
            log.info("history.context waits for the broker: %s", trouble)
        return lived
