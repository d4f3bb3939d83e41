"""Cost of the front end beside its peers and its limits, all in one run on one thread.

(a) one window of 3 s at once; (b) the always-on job, where we take in a hop and peers compute the
whole window anew, as their users do; (c) one hour of a file, streamed.

The measuring is done in processes of their own: a numeric library fixes its number of threads when
it is loaded, and memory can be told only of a process that did nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import click

from moodwire.threads import THREAD_LIMITS

ONE_THREAD = dict.fromkeys((*THREAD_LIMITS, "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

GOALS = {
    "batch_vs_librosa": ("at least", 3.0),
    "stream_vs_librosa": ("at least", 30.0),
    "stream_vs_psf": ("at least", 1.0),
    "stream_vs_knf": ("at least", 1.0),
    "stream_vs_fft_floor": ("at most", 2.0),
    "hour_memory_growth_mb": ("at most", 5.0),
    "hour_slowdown": ("at most", 1.1),
}


@click.command()
@click.option("--runs", default=400, show_default=True, type=click.IntRange(min=20))
@click.option("--minutes", default=60, show_default=True, type=click.IntRange(min=2))
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
def command(runs: int, minutes: int, as_json: bool) -> None:
    """Times the front end beside librosa, python_speech_features and kaldi-native-fbank.

    All of them on one thread, in turns, median of their CPU time; the limits are the bare FFT of
    the same frames and an empty copy. Peers come with the extra `dev`; those absent are skipped.
    """
    result = _measure("race", runs) | _measure("hour", minutes)
    if as_json:
        click.echo(json.dumps(result, indent=2))
    else:
        _show(result)


def _measure(what: str, amount: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-P", "-m", f"moodwire.benchmarks.features_{what}", str(amount)],
        env={**os.environ, **ONE_THREAD},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(f"measuring the {what} ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _show(result: dict[str, Any]) -> None:
    click.echo(f"{result['machine']}, " + ", ".join(f"{n} {v}" for n, v in result["with"].items()))
    for title, rows in result["microseconds"].items():
        click.echo(f"\n{title}")
        quickest = min(rows.values())
        for name, value in rows.items():
            click.echo(f"  {name:38} {value:9.1f} us  {value / quickest:7.1f} x")
    for peer in result["absent"]:
        click.echo(f"\n{peer} is not installed; skipped")
    click.echo(
        f"\none hour of a file: {result['hour_us_per_audio_second']:.0f} us per audio second with "
        f"reading, {result['hour_slowdown']:.2f} times as long in its second half as in its first; "
        f"{result['peak_rss_mb']:.1f} MB at most, {result['hour_memory_growth_mb']:.1f} MB more "
        "than after the first minute"
    )
    click.echo(f"always-on job: {result['us_per_audio_second']:.0f} us per audio second\n")
    for name, (direction, goal) in GOALS.items():
        if result.get(name) is not None:
            met = result[name] >= goal if direction == "at least" else result[name] <= goal
            verdict = "met" if met else "MISSED"
            click.echo(f"  {name:24} {result[name]:7.2f}   goal: {direction} {goal:g}   {verdict}")
