"""What the daemon is made of, as the configuration in force says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from math import ceil
from pathlib import Path
from typing import Final

from moodwire.config import Config, ConfigError
from moodwire.decision.thresholds import UnknownMoodError
from moodwire.features import FrontendSpec
from moodwire.model import Bundle, BundleError, load_bundle
from moodwire.model.store import bundle_to_run
from moodwire.pipeline import Pipeline, hop_frames
from moodwire.publish.broker import BrokerError
from moodwire.publish.clock import WallClock
from moodwire.publish.commands import Command
from moodwire.publish.composer import Composer, ModelIdentity
from moodwire.publish.console import Console
from moodwire.publish.disk import OutboxError
from moodwire.publish.hardware import hardware
from moodwire.publish.identity import Identities
from moodwire.publish.link import Link
from moodwire.publish.outbox import Outbox, open_outbox
from moodwire.publish.publication import Publisher
from moodwire.publish.topics import Topics

Commands = Callable[[Command], None]
Failures = Callable[[BaseException], None]

UNUSABLE_LINK: Final = (BrokerError, OutboxError)
"""No way to the broker can be made of this configuration; the message is for people."""

UNUSABLE: Final = (ConfigError, UnknownMoodError, BundleError, *UNUSABLE_LINK)
"""What a changed configuration may be refused for."""

LONGEST_PACKET: Final = 1.0
"""Seconds of sound that are handed on at once."""


@dataclass(slots=True)
class Parts:
    """One set of everything between the source and the broker."""

    config: Config
    bundle: Bundle
    pipeline: Pipeline
    composer: Composer
    outbox: Outbox | None
    """None where there is to be no broker."""

    link: Publisher


def make_pipeline(config: Config) -> tuple[Bundle, Pipeline]:
    bundle = load_bundle(bundle_to_run(config))
    return bundle, Pipeline(bundle, config)


def make_composer(config: Config, bundle: Bundle) -> Composer:
    return Composer(
        Topics(config.mqtt.prefix, config.device.id),
        WallClock(),
        ModelIdentity(bundle.name, bundle.hash, bundle.labels),
        publish_level=config.mqtt.publish_level,
    )


def make_outbox(config: Config, state: Path) -> Outbox | None:
    return open_outbox(config.outbox, state, WallClock()) if config.mqtt.enabled else None


def make_link(
    config: Config,
    bundle: Bundle,
    outbox: Outbox | None,
    identities: Identities,
    commands: Commands,
    failures: Failures,
    *,
    can_restart: bool,
) -> Publisher:
    """The console where there is to be no broker."""
    if outbox is None:
        return Console()
    return Link(
        config,
        outbox,
        identities,
        clock=WallClock(),
        labels=bundle.labels,
        hardware=hardware(),
        can_restart=can_restart,
        on_command=commands,
        on_failure=failures,
    )


def needs_other_link(old: Config, new: Config) -> bool:
    """Whether what the broker and Home Assistant were told is no longer so."""
    return _differ(old, new, "device", "mqtt", "outbox", "home_assistant", "alert", "model") or (
        old.microphone.mute != new.microphone.mute
    )


def needs_other_outbox(old: Config, new: Config) -> bool:
    return (old.mqtt.enabled, old.outbox.store) != (new.mqtt.enabled, new.outbox.store)


def needs_other_composer(old: Config, new: Config) -> bool:
    return _differ(old, new, "device", "mqtt", "model")


def needs_other_stream(old: Parts, new: Parts) -> bool:
    """Whether the source is another, or hands on other packets."""
    packets = {packet_samples(parts.pipeline.spec, parts.config) for parts in (old, new)}
    return old.config.microphone != new.config.microphone or len(packets) > 1


def _differ(old: Config, new: Config, *sections: str) -> bool:
    return any(getattr(old, name) != getattr(new, name) for name in sections)


def packet_samples(spec: FrontendSpec, config: Config) -> int:
    """A packet of capture ends where a hop does: one wake-up for each, and no wait in between.

    Long hops come in equal parts, or the source would seem to stall before each.
    """
    hop = hop_frames(spec, config) * spec.hop_length
    fewest = ceil(hop / (LONGEST_PACKET * spec.sample_rate))
    return hop // next(parts for parts in count(fewest) if hop % parts == 0)
