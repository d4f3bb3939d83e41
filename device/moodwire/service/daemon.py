"""Puts the daemon together, and does what signals and commands ask of it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import moodwire
from moodwire.audio.health import SourceHealth
from moodwire.config import Config, ConfigError
from moodwire.decision.thresholds import UnknownMoodError
from moodwire.model import Bundle, BundleError
from moodwire.publish.commands import Command
from moodwire.publish.publication import Publisher
from moodwire.service.controls import Controls
from moodwire.service.ear import Ear
from moodwire.service.followers import Followers
from moodwire.service.monitor import STOP_SECONDS, Monitor
from moodwire.service.notify import Notifier
from moodwire.service.obedience import Obedience
from moodwire.service.parts import (
    UNUSABLE_LINK,
    Parts,
    make_composer,
    make_link,
    make_pipeline,
    needs_other_composer,
    needs_other_link,
    packet_sizes,
)
from moodwire.service.piped import PATIENCE, PipedStream
from moodwire.service.spawn import Capture, spawn_capture
from moodwire.service.stream import CaptureStream, Stream
from moodwire.service.wake import Wake

log = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 1.0

UNUSABLE: Final = (ConfigError, UnknownMoodError, BundleError, *UNUSABLE_LINK)
"""What a changed configuration may be refused for."""


class Daemon:
    """`moodwire run`, from the parts to the end."""

    def __init__(
        self,
        controls: Controls,
        config: Config,
        *,
        config_path: Path | None = None,
        capture: Capture | None = None,
        input_pipe: int | None = None,
        ends_with_source: bool = False,
    ) -> None:
        """`capture`: already started for this configuration; `input_pipe`: instead of any."""
        self._controls = controls
        self._capture = capture
        self._input_pipe = input_pipe
        self._wake = Wake()
        self._restart = False
        bundle, pipeline = make_pipeline(config)
        composer = make_composer(config, bundle)
        parts = Parts(config, bundle, pipeline, composer, self._make_link(config, bundle))
        piped = input_pipe is not None
        ear = Ear(self._open_stream, SourceHealth(PATIENCE if piped else None))
        self.monitor = Monitor(
            parts, ear, self._wake, Notifier(), ends_with_source=ends_with_source
        )
        self._obedience = Obedience(controls, self.monitor, self.apply, self._start_anew)
        self._followers = Followers(config, self.monitor, self._commanded, config_path)

    def run(self) -> None:
        """Until a signal, a command or the end of the input; raises what went wrong."""
        monitor, bundle = self.monitor, self.monitor.parts.bundle
        self._wake.listen(
            {
                signal.SIGTERM: monitor.end,
                signal.SIGINT: monitor.end,
                signal.SIGHUP: self._reload,
            }
        )
        version, device = moodwire.__version__, monitor.parts.config.device.id
        log.info("moodwire %s is %s, with %s (%s)", version, device, bundle.name, bundle.hash)
        monitor.parts.link.start()
        self._followers.start()
        try:
            monitor.start(muted=self._obedience.muted)
            self._obedience.tell_controls()
            monitor.run()
        finally:
            monitor.stop()
            self._followers.stop()
        if self._restart:
            log.info("starting anew, as was asked")
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])

    def _start_anew(self) -> None:
        self._restart = True
        self.monitor.end()

    def _open_stream(self) -> Stream:
        parts = self.monitor.parts
        sizes = packet_sizes(parts.pipeline, parts.config)
        channel = parts.config.microphone.channel
        if self._input_pipe is not None:
            return PipedStream(self._input_pipe, sizes, channel, "the input")
        process, self._capture = self._capture or spawn_capture(parts.config), None
        return CaptureStream(process, sizes, channel)

    def _commanded(self, command: Command) -> None:
        """In the link's thread: let the loop do it."""
        self._wake.call(lambda: self._obedience.obey(command))

    def _reload(self) -> None:
        """SIGHUP: the file as it is now, or on any error everything as it was."""
        notifier = self.monitor.notifier
        notifier.reloading()
        try:
            self.apply(self._controls.config())
            log.info("the configuration was read anew")
        except UNUSABLE as error:
            log.error("the configuration stays as it was: %s", error)
        self._obedience.tell_controls()
        notifier.ready()

    def apply(self, config: Config) -> None:
        """Put another configuration in force; on an error of UNUSABLE the old one stays."""
        monitor, old = self.monitor, self.monitor.parts
        if config.model != old.config.model:
            fresh = make_pipeline(config)
        else:
            fresh = (old.bundle, old.pipeline)
            fresh[1].reconfigure(config)
        parts = replace(old, config=config, bundle=fresh[0], pipeline=fresh[1])
        if needs_other_composer(old.config, config):
            parts.composer = make_composer(config, parts.bundle)
        if needs_other_link(old.config, config):
            parts.link = self._exchange_link(old, parts)
        monitor.replace(parts)
        if (config.web, config.history) != (old.config.web, old.config.history):
            log.warning("[web] and [history] take effect when the daemon is restarted")
        if config.microphone != old.config.microphone:
            monitor.reopen(muted=self._obedience.muted)

    def _exchange_link(self, old: Parts, new: Parts) -> Publisher:
        """The old one must let go of the outbox first."""
        old.link.stop(STOP_SECONDS)
        try:
            link = self._make_link(new.config, new.bundle)
            failed = None
        except UNUSABLE_LINK as error:
            link, failed = self._make_link(old.config, old.bundle), error
        link.start()
        _wait_until_connected(link)
        if failed is not None:
            self.monitor.replace(replace(old, link=link))
            raise failed
        return link

    def _make_link(self, config: Config, bundle: Bundle) -> Publisher:
        return make_link(config, bundle, self._controls.state, self._commanded, self._wake.fail)


def _wait_until_connected(link: Publisher) -> None:
    """For a moment only: answers are for now or never, and sound waits in its pipe."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while not link.connected and time.monotonic() < deadline:
        time.sleep(0.01)
