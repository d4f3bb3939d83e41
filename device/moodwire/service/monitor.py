"""The daemon: one loop that hears, judges, tells, and is never deaf.

    capture process -> pipe -> this loop: pipeline -> composer -> link (its own thread) -> broker

Everything that decides happens in the loop's thread, in order, without locks. It sleeps until
sound comes (once per hop), a signal, a command, or the next deadline. An error anywhere ends the
process: a daemon that is online but deaf is the worst that can happen.
"""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Sequence
from typing import Final, Protocol

from moodwire.audio.clock import Arrivals
from moodwire.audio.memory import release_startup_code
from moodwire.audio.stream import Block
from moodwire.decision.observation import Observation
from moodwire.events import HEARING, SourceState
from moodwire.publish.composer import HEALTH_SECONDS, Vitals
from moodwire.publish.hardware import cpu_temperature
from moodwire.service.ear import Ear
from moodwire.service.figures import Durations
from moodwire.service.notify import Notifier
from moodwire.service.parts import Parts
from moodwire.service.wake import Wake
from moodwire.service.watchdog import WatchdogGate

log = logging.getLogger(__name__)

SETTLED_SECONDS: Final = 5.0
"""After which start-up is over, and health is told for the first time."""

FEEDINGS: Final = 3
"""Per period of the service manager's watchdog."""

STOP_SECONDS: Final = 1.5
"""For the link to say goodbye; SIGTERM has to be over within two."""


class Follower(Protocol):
    """Somebody else who wants to know: the page, the history. Called in the loop; must not wait."""

    def observe(self, observation: Observation) -> None:
        """Of a source that hears; nobody believes the zeros of one that is silent or starts."""
        ...

    def source(self, state: SourceState) -> None: ...


class Monitor:
    """See the module. `run` returns when the source has ended for good or `end` was called."""

    def __init__(
        self, parts: Parts, ear: Ear, wake: Wake, notifier: Notifier, *, ends_with_source: bool
    ) -> None:
        self.parts = parts
        self.ear = ear
        self.wake = wake
        self.notifier = notifier
        self.followers: list[Follower] = []
        self.hops = 0
        self.latency = Durations()
        """From capture having the last sample of a window to its message being handed over."""

        self.judging = Durations()
        """Of hops on which the model ran."""

        self._ends_with_source = ends_with_source
        self._started = time.monotonic()
        self.heard_until = self._started
        """Time of the stream, which a pipe may have taken ahead of the clock."""

        self._source: SourceState = "starting"
        self._arrivals = Arrivals()
        self._inferences = 0  # of pipelines that were replaced since
        self._ended = False
        self._gate = WatchdogGate(self._started)
        self._feed_at = self._started
        self._health_at = self._started + SETTLED_SECONDS

    @property
    def source(self) -> SourceState:
        return self._source

    @property
    def inferences(self) -> int:
        return self._inferences + self.parts.pipeline.inferences

    def end(self) -> None:
        self._ended = True

    def start(self, *, muted: bool) -> None:
        """Open the source, unless it is to stay closed."""
        if muted:
            self.mute()
        else:
            self.ear.start(time.monotonic())
            self._tell_source()

    def mute(self) -> None:
        self.ear.mute()
        self._note_source()

    def unmute(self) -> None:
        self.ear.unmute(time.monotonic())
        self._note_source()

    def reopen(self, *, muted: bool) -> None:
        """The device, or what is wanted of it, has changed."""
        self.mute()
        if not muted:
            self.unmute()

    def run(self) -> None:
        self.notifier.ready()
        while not self._ended:
            if self._wait():
                self.wake.answer()
                if self.wake.failures:
                    raise self.wake.failures.popleft()
            now = time.monotonic()
            for block in self.ear.take(now):
                self._hear(block)
            self.ear.tick(now)
            self._note_source()
            self._do_chores(now)

    def stop(self) -> None:
        """Ends what holds, says goodbye, closes everything."""
        self.ear.close()
        self.break_off()
        self.parts.link.stop(STOP_SECONDS)

    def break_off(self) -> None:
        """Ends what holds, forgets what was heard."""
        self._publish(self.parts.pipeline.reset(self.heard_until))

    def replace(self, parts: Parts) -> None:
        """Go on with other parts; the caller has stopped or kept the old link."""
        before = self.parts
        if parts.pipeline is not before.pipeline:
            self._inferences += before.pipeline.inferences
        news = parts.composer is not before.composer
        self.parts = parts
        if news:
            self._tell_source()
        elif parts.link is not before.link:
            parts.link.publish(parts.composer.retained())

    def _wait(self) -> bool:
        """Until something is to be done; whether it is more than sound and time."""
        poll = select.poll()
        poll.register(self.wake, select.POLLIN)
        if (stream := self.ear.stream) is not None:
            poll.register(stream, select.POLLIN)
        deadlines = [self._health_at, self._feed_at]
        if (deadline := self.ear.deadline) is not None:
            deadlines.append(deadline)
        ready = poll.poll(max(0.0, min(deadlines) - time.monotonic()) * 1000 + 1)
        return any(descriptor == self.wake.fileno() for descriptor, _ in ready)

    def _hear(self, block: Block) -> None:
        pipeline = self.parts.pipeline
        self._note_source()
        if block.after_gap:
            self.break_off()
        ends = block.time + len(block.samples) / pipeline.spec.sample_rate
        if block.ahead is not None:
            self._arrivals.note(block.time, ends, block.ahead)
        before, began = pipeline.inferences, time.perf_counter()
        observations = pipeline.push(block.samples, block.time)
        if pipeline.inferences > before:
            self.judging.add((time.perf_counter() - began) / (pipeline.inferences - before))
        self.hops += len(observations)
        self.heard_until = ends
        if observations:
            self._publish(observations)
            self.latency.add(time.monotonic() - block.complete)

    def _publish(self, observations: Sequence[Observation]) -> None:
        if self._arrivals:
            observations = [each.at(self._arrivals.of) for each in observations]
        composer = self.parts.composer
        told = [message for each in observations for message in composer.observe(each)]
        if told:
            self.parts.link.publish(told)
        if self._source in HEARING:
            for follower in self.followers:
                for observation in observations:
                    follower.observe(observation)

    def _note_source(self) -> None:
        if self.ear.state == self._source:
            return
        before, self._source = self._source, self.ear.state
        why = f": {self.ear.trouble}" if self._source == "lost" else ""
        level = logging.INFO if self._source in {*HEARING, "starting", "muted"} else logging.WARNING
        log.log(level, "source is %s (was %s)%s", self._source, before, why)
        if before in HEARING and self._source not in HEARING:
            self.break_off()
        self._tell_source()
        if self._source == "lost" and self._ends_with_source:
            self._ended = True

    def _tell_source(self) -> None:
        self.parts.link.publish(self.parts.composer.source(self._source))
        for follower in self.followers:
            follower.source(self._source)

    def _do_chores(self, now: float) -> None:
        if now >= self._health_at:
            if self._health_at == self._started + SETTLED_SECONDS:
                release_startup_code()
            self._health_at = now + HEALTH_SECONDS
            composer = self.parts.composer
            self.parts.link.publish([*composer.retained(), composer.health(self.vitals(now))])
        if now >= self._feed_at:
            self._feed_at = now + (self.notifier.watchdog_seconds or HEALTH_SECONDS) / FEEDINGS
            self._report(now)

    def _report(self, now: float) -> None:
        """To the service manager: how it goes, and that it goes on."""
        link = self.parts.link
        broker = "broker connected" if link.connected else "broker away"
        if self.parts.outbox is None:
            broker = "no broker"
        waiting = f", {link.counters.queue} events wait" if link.counters.queue else ""
        self.notifier.status(f"source {self._source}, {broker}{waiting}")
        if self._gate.deserves_food(
            now, blocks=self.ear.blocks, hops=self.hops, muted=self._source == "muted"
        ):
            self.notifier.feed()
        elif self.notifier.watchdog_seconds:
            log.error("no hop was judged for too long (source is %s); not fed", self._source)

    def vitals(self, now: float) -> Vitals:
        ear, pipeline = self.ear, self.parts.pipeline
        return Vitals(
            uptime=now - self._started,
            frame_age=None if ear.heard_at is None else now - ear.heard_at,
            frames=ear.samples // pipeline.spec.hop_length,
            dropped=ear.lost,
            inferences=self.inferences,
            inference_p95_ms=self.judging.quantile_ms(0.95),
            cpu_temperature=cpu_temperature(),
            counters=self.parts.link.counters,
        )
