"""What a scrape of /metrics gets: the daemon's own numbers, asked for at that moment."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import get_args

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

import moodwire
from moodwire.events import SourceState
from moodwire.service.monitor import Monitor


def collect(monitor: Monitor, moods: Mapping[str, int], openings: int) -> Iterator[Metric]:
    """`moods`: how often each began; `openings`: how often the speech gate opened."""
    vitals = monitor.vitals(time.monotonic())
    counters = vitals.counters
    yield _build(monitor)
    yield _counter("moodwire_frames", "Frames heard", vitals.frames)
    yield _counter("moodwire_dropped_samples", "Samples lost before the pipeline", vitals.dropped)
    yield _counter("moodwire_inferences", "Windows that the model judged", vitals.inferences)
    yield _inference_time(monitor)
    yield _counter("moodwire_speech_gate_openings", "Times that speech began", openings)
    yield _by_label("moodwire_moods", "Moods that began", "mood", moods)
    yield _source(monitor)
    if vitals.frame_age is not None:
        yield _gauge("moodwire_frame_age_seconds", "Since the newest sound", vitals.frame_age)
    yield _gauge("moodwire_uptime_seconds", "Since the daemon began", vitals.uptime)
    yield _gauge("moodwire_outbox_events", "Events that wait for the broker", counters.queue)
    yield _counter("moodwire_outbox_dropped_events", "Events given up", counters.dropped)
    yield _counter("moodwire_mqtt_reconnects", "Connections after the first", counters.reconnects)
    connected = float(monitor.parts.link.connected)
    yield _gauge("moodwire_mqtt_connected", "1 while the broker is there", connected)
    if vitals.cpu_temperature is not None:
        name = "moodwire_cpu_temperature_celsius"
        yield _gauge(name, "Of the processor", vitals.cpu_temperature)


def _build(monitor: Monitor) -> Metric:
    bundle = monitor.parts.bundle
    build = {"version": moodwire.__version__, "model": bundle.name, "model_hash": bundle.hash}
    return InfoMetricFamily("moodwire_build", "What is running", build)


def _source(monitor: Monitor) -> Metric:
    """One series for each state, 1 for the present one."""
    states = {state: int(state == monitor.source) for state in get_args(SourceState)}
    family = GaugeMetricFamily("moodwire_source_state", "State of the microphone", labels=["state"])
    for state, value in states.items():
        family.add_metric([state], value)
    return family


def _inference_time(monitor: Monitor) -> Metric:
    judging = monitor.judging
    family = HistogramMetricFamily(
        "moodwire_inference_seconds", "Features and model for one window"
    )
    buckets = [(str(bound), float(count)) for bound, count in judging.cumulated()]
    family.add_metric([], [*buckets, ("+Inf", float(judging.count))], judging.sum)
    return family


def _by_label(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)
