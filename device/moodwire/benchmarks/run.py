"""What the daemon costs: `moodwire bench run`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from moodwire.audio.source import MODEL_RATE, Samples
from moodwire.benchmarks.bench import SETTLE_SECONDS, Bench, Cost
from moodwire.benchmarks.loop import loop_cpu_share
from moodwire.benchmarks.material import Material, make_material, write_raw
from moodwire.cli.options import Span
from moodwire.config import Config
from moodwire.model import load_bundle
from moodwire.pipeline import hop_frames

STARTS: Final = 3
LOOP_SECONDS: Final = 60
"""At most: the loop takes as long for a minute as the daemon for many."""

GOALS: Final = {
    "cpu_percent_speech": "below 1.0 % of a core",
    "cpu_percent_quiet": "below 0.4 %",
    "rss_mb": "below 80 MB",
    "startup_s": "below 1.0 s",
    "latency_ms_p95": "below 20 ms",
    "vs_librosa_litert_loop": "at least 15",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--speech",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Recording of speech; else from $MOODWIRE_DATA, else a synthetic voice.",
)
@click.option(
    "--seconds",
    type=click.IntRange(1, 86_400),
    default=60,
    show_default=True,
    help="Of real time, for each kind.",
)
@click.option(
    "--hours",
    type=Span(0.005, 24.0),
    default=1.0,
    show_default=True,
    help="Of mixed sound, as fast as it goes.",
)
@click.option("--microphone", help="Also measure with this one, in a room that is not silent.")
def command(
    as_json: bool, speech: Path | None, seconds: int, hours: float, microphone: str | None
) -> None:
    """Measures the whole way from capture to broker: processor, memory, start and latency.

    Processor and memory are those of the daemon and its capture process together. Without a
    microphone another process stands in for it, which hands on a recording in the same packets.

    The plain loop is measured twice: as users write it, when numpy takes threads for each core
    (which spin while they wait, more so on a busy machine), and limited to one thread.
    """
    material = make_material(speech)
    with tempfile.TemporaryDirectory(prefix="moodwire-bench-") as folder:
        bench = Bench(Path(folder), microphone)
        found = _beside_the_loop(bench, material, round(hours * 3_600))
        found |= _in_real_time(bench, material, seconds)
        if microphone is not None:
            found |= _with_a_microphone(bench, seconds)
    _show(found, as_json)


def _beside_the_loop(bench: Bench, material: Material, seconds: int) -> dict[str, Any]:
    """As fast as it goes; and how soon it starts."""
    click.echo(f"{seconds} s of {material.speech_from}, quiet and noise ...", err=True)
    mixed = write_raw(material.mixed(seconds), bench.folder / "mixed.raw")
    fast = bench.all_of(mixed)
    share = fast["cpu_s"] / fast["heard_s"]
    short = material.mixed(min(LOOP_SECONDS, seconds))
    sound = write_raw(short, bench.folder / "loop.raw")
    loop = loop_cpu_share(sound, _hop(), one_thread=False)
    lean = loop_cpu_share(sound, _hop(), one_thread=True)
    starts = [bench.start(mixed) for _ in range(STARTS)]
    return {
        "startup_s": min(start.seconds for start in starts),
        "startup_cpu_s": min(start.cpu_seconds for start in starts),
        "vs_librosa_litert_loop": None if loop is None else loop / share,
        "vs_loop_of_one_thread": None if lean is None else lean / share,
        "cpu_percent_mixed_fast": 100 * share,
        "cpu_percent_loop": None if loop is None else 100 * loop,
        "cpu_percent_loop_of_one_thread": None if lean is None else 100 * lean,
        "inferences_per_hop": fast["inferences"] / fast["hops"],
    }


def _in_real_time(bench: Bench, material: Material, seconds: int) -> dict[str, Any]:
    click.echo(f"{seconds} s of speech and {seconds} s of quiet in real time ...", err=True)
    length = round((seconds + 2 * SETTLE_SECONDS) * MODEL_RATE)

    def cost(name: str, samples: Samples) -> Cost:
        recording = write_raw(np.resize(samples, length), bench.folder / f"{name}.raw")
        return bench.in_real_time(recording, seconds)

    talk, rest = cost("speech", material.speech), cost("quiet", material.quiet)
    return {
        "cpu_percent_speech": talk.cpu_percent,
        "cpu_percent_quiet": rest.cpu_percent,
        "rss_mb": max(talk.rss_mb, rest.rss_mb),
        "latency_ms_p50": talk.figures["latency_ms_p50"],
        "latency_ms_p95": talk.figures["latency_ms_p95"],
    }


def _with_a_microphone(bench: Bench, seconds: int) -> dict[str, Any]:
    room = bench.hearing(seconds)
    return {
        "microphone_cpu_percent": room.cpu_percent,
        "microphone_rss_mb": room.rss_mb,
        "microphone_startup_s": min(bench.start(None).seconds for _ in range(STARTS)),
    }


def _hop() -> int:
    spec = load_bundle().spec
    return hop_frames(spec, Config()) * spec.hop_length


def _show(found: dict[str, Any], as_json: bool) -> None:
    rounded = {key: None if value is None else round(value, 3) for key, value in found.items()}
    if as_json:
        click.echo(json.dumps(rounded, indent=2))
        return
    for key, value in rounded.items():
        shown = "not measured: librosa is missing" if value is None else f"{value:10.3f}"
        click.echo(f"{key:30s} {shown}   {GOALS.get(key, '')}".rstrip())
