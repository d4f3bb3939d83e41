"""Puts the daemon together, and does what signals and commands ask of it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

import msgspec

import moodwire
from moodwire.audio.health import SourceHealth
from moodwire.audio.pipe import Pipe
from moodwire.audio.spawn import Capture, spawn_capture
from moodwire.audio.stream import CaptureStream, Stream
from moodwire.config import Config, Section
from moodwire.model import Bundle
from moodwire.model.greeting import borrowed_error_output
from moodwire.publish.commands import Command
from moodwire.publish.identity import Identities
from moodwire.publish.outbox import Outbox
from moodwire.publish.publication import Publisher
from moodwire.service.controls import Controls, RefusedError
from moodwire.service.ear import Ear
from moodwire.service.followers import Followers
from moodwire.service.monitor import STOP_SECONDS, Monitor
from moodwire.service.notify import Notifier
from moodwire.service.obedience import Obedience
from moodwire.service.parts import (
    UNUSABLE,
    Parts,
    make_composer,
    make_link,
    make_outbox,
    make_pipeline,
    needs_other_composer,
    needs_other_link,
    needs_other_outbox,
    needs_other_stream,
    packet_samples,
)
from moodwire.service.piped import PATIENCE, PipedStream
from moodwire.service.wake import Wake

log = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 1.0

NO_RESTART: Final = (
    "what comes through --input cannot be heard from the middle: end the daemon and what writes "
    "to it, and start both anew"
)


class Daemon:
    """`moodwire run`, from the parts to the end."""

    def __init__(
        self,
        controls: Controls,
        config: Config,
        *,
        capture: Capture | None = None,
        input_pipe: Pipe | None = None,
        ends_with_source: bool = False,
    ) -> None:
        """`capture`: already started for this configuration; `input_pipe`: instead of any."""
        self.controls = controls
        self._capture = capture
        self._input = input_pipe
        self._was_deaf = False
        self._wake = Wake()
        self._restart = self._terminated = False
        self._started = self._wanted = _fixed(config)
        self._identities = Identities.read(controls.state)
        bundle, pipeline = make_pipeline(config)
        composer, outbox = make_composer(config, bundle), make_outbox(config, controls.state)
        link = self._make_link(config, bundle, outbox)
        parts = Parts(config, bundle, pipeline, composer, outbox, link)
        ear = Ear(self._open_stream, SourceHealth(PATIENCE if self._input else None))
        self.monitor = Monitor(
            parts, ear, self._wake, Notifier(), ends_with_source=ends_with_source
        )
        self.obedience = Obedience(controls, self.monitor, self.apply, self._start_anew)
        self._followers = Followers(config, self.monitor, self._commanded, controls.file.path)

    def run(self) -> None:
        """Until a signal, a command or the end of the input; raises what went wrong."""
        monitor, bundle = self.monitor, self.monitor.parts.bundle
        self._wake.listen({signal.SIGHUP: self._reload})
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._terminate)
        version, device = moodwire.__version__, monitor.parts.config.device.id
        log.info("moodwire %s is %s, with %s (%s)", version, device, bundle.name, bundle.hash)
        self._followers.start()
        try:
            self._was_deaf = self.obedience.muted
            monitor.start(muted=self._was_deaf)
            self.obedience.tell_controls()
            monitor.parts.link.start()  # knows by now what to say before `online`
            monitor.run()
        finally:
            if self._restart:
                monitor.notifier.starting_anew()
            else:
                monitor.notifier.stopping()
            monitor.stop()
            if monitor.parts.outbox is not None:
                monitor.parts.outbox.close()
            self._followers.stop()
        if self._restart and not self._terminated:
            log.info("starting anew, as was asked")
            with borrowed_error_output:  # by a self-test that was asked for, too
                os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])

    def _terminate(self, *_: object) -> None:
        """In the signal's handler, which wakes the loop: it also counts while all is being stopped
        to start anew, and nothing is read from the loop's pipe any more."""
        self._terminated = True
        self.monitor.end()

    def _start_anew(self) -> None:
        """A pipe says once what it carries: who begins in its midst would hear noise."""
        if self._input is not None:
            raise RefusedError(NO_RESTART)
        self._restart = True
        self.monitor.end()

    def _open_stream(self) -> Stream:
        parts = self.monitor.parts
        packet = packet_samples(parts.pipeline.spec, parts.config)
        name, channel = parts.config.microphone.name, parts.config.microphone.channel
        if self._input is not None:
            if self._was_deaf:
                self._input.skip_waiting()
            self._was_deaf = True  # whenever it is opened again
            return PipedStream(self._input, packet, channel, self.monitor.heard_until)
        process, self._capture = self._capture or spawn_capture(name, channel), None
        return CaptureStream(process, packet, channel)

    def _commanded(self, command: Command) -> None:
        """In the link's thread: let the loop do it."""
        self._wake.call(lambda: self.obedience.obey(command))

    def _reload(self) -> None:
        """SIGHUP: the file as it is now, or on any error everything as it was."""
        notifier = self.monitor.notifier
        notifier.reloading()
        try:
            self.controls.reload(self.apply)
            log.info("the configuration was read anew")
        except UNUSABLE as error:
            log.error("the configuration stays as it was: %s", error)
        self.obedience.tell_controls()
        notifier.ready()

    def apply(self, config: Config) -> None:
        """Put another configuration in force; on an error of UNUSABLE everything stays as it was:
        what can be refused comes first, and nobody is told before."""
        monitor, old = self.monitor, self.monitor.parts
        wanted, config = _fixed(config), self._as_started(config)
        new = replace(old, config=config)
        with ExitStack() as if_refused:
            if config.model != old.config.model:
                new.bundle, new.pipeline = make_pipeline(config)
            if needs_other_composer(old.config, config):
                new.composer = make_composer(config, new.bundle)
            if needs_other_outbox(old.config, config):
                new.outbox = make_outbox(config, self.controls.state)
                if new.outbox is not None:
                    if_refused.callback(new.outbox.close)
            if needs_other_link(old.config, config):
                new.link = self._make_link(config, new.bundle, new.outbox)
            if new.pipeline is old.pipeline:
                new.pipeline.reconfigure(config)
            if_refused.pop_all()
        if new.composer is not old.composer:  # which alone knows by what id a mood was told
            monitor.break_off()
            old.link.publish(old.composer.source("starting"))  # its values are told no more
        if new.link is not old.link:
            _leave(old, new)
        monitor.replace(new)
        if new.link is not old.link:
            new.link.start()
            if new.outbox is not None:
                _wait_until_connected(new.link)
        if wanted not in (self._wanted, self._started):
            log.warning("[web], [history] and [paths] take effect when the daemon is restarted")
        self._wanted = wanted
        if needs_other_stream(old, new):
            monitor.reopen(muted=self.obedience.muted)

    def _as_started(self, config: Config) -> Config:
        """What cannot change under way goes on as it was started, and is told as it is."""
        return msgspec.structs.replace(config, **self._started)

    def _make_link(self, config: Config, bundle: Bundle, outbox: Outbox | None) -> Publisher:
        return make_link(
            config,
            bundle,
            outbox,
            self._identities,
            self._commanded,
            self._wake.fail,
            can_restart=self._input is None,
        )


def _fixed(config: Config) -> dict[str, Section]:
    """Who reads these holds files and sockets open, until a restart."""
    return {"web": config.web, "history": config.history, "paths": config.paths}


def _leave(old: Parts, new: Parts) -> None:
    """What waits for the broker goes on waiting."""
    old.link.stop(STOP_SECONDS)
    if new.outbox is not None:
        new.outbox.limit(new.config.outbox)
    if old.outbox is not None and new.outbox is not old.outbox:
        if new.outbox is not None:
            new.outbox.take_over(old.outbox)
        old.outbox.close()


def _wait_until_connected(link: Publisher) -> None:
    """For a moment only: answers are for now or never, and sound waits in its pipe."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while not link.connected and time.monotonic() < deadline:
        time.sleep(0.01)
