"""Latency of the model on one thread, beside LIGHT-SERNET, both int8, measured in turns.

What is told is the thread's own time, so that what else the machine does counts for little.
LIGHT-SERNET is rebuilt from its paper by the conversion part, where TensorFlow is installed, with
made-up weights: what they are does not change how long they take.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from time import thread_time

import click
import numpy as np

from moodwire.cli.options import CONFIG, read_config
from moodwire.cli.problems import MODEL, exits_with
from moodwire.model import Bundle, BundleError, Classifier, load_bundle
from moodwire.model.interpreter import Interpreter, RuntimeMissingError, runtime_package
from moodwire.model.store import bundle_to_run

RUNS_IN_TURN = 10
"""Runs of one before the other's turn: long enough for warm caches, short beside other load."""

WARM_UP = 20

RIVAL_MODULE = "moodwire_convert.light_sernet"


@dataclass(frozen=True)
class Latency:
    median_ms: float
    p95_ms: float
    runs: int


@click.command()
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@CONFIG
@click.option("--runs", default=1000, show_default=True, type=click.IntRange(min=50))
@click.option(
    "--light-sernet",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Made elsewhere by `python -m {RIVAL_MODULE} FILE`, for a device without TensorFlow.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(
    bundle: Path | None, file: Path | None, runs: int, light_sernet: Path | None, as_json: bool
) -> None:
    """Times the model (BUNDLE, else the one that runs) on one thread."""
    config = read_config(file)
    with exits_with(MODEL, BundleError, RuntimeMissingError):
        found = load_bundle(bundle or bundle_to_run(config))
        rival = light_sernet.read_bytes() if light_sernet else _build_rival()
        result = measure(found, rival, runs)
    click.echo(json.dumps(result, indent=2) if as_json else _say(result))


def measure(bundle: Bundle, rival: bytes | None, runs: int) -> dict[str, object]:
    """The network alone, the whole step from features to probabilities, and the rival."""
    classifier = Classifier(bundle)
    window = bundle.golden_inputs[0]
    features = np.random.default_rng(1).normal(size=window.shape).astype(np.float32)
    subjects: dict[str, Callable[[], object]] = {
        "network": lambda: classifier.run_quantised(window),
        "features_to_probabilities": lambda: classifier.probabilities(features),
    }
    if rival is not None:
        other = Interpreter(rival)

        def run_rival() -> None:
            other.feed(window)
            other.run()

        subjects["light_sernet"] = run_rival
    taken = _time_in_turns(subjects, runs)
    result: dict[str, object] = {
        "model": bundle.name,
        "model_hash": bundle.hash,
        "tflite_bytes": bundle.manifest.tflite_bytes,
        "macs": bundle.manifest.macs,
        "runtime": _runtime(),
        "machine": platform.machine(),
        "threads": 1,
        **{name: asdict(latency) for name, latency in taken.items()},
    }
    if rival is not None:
        result["light_sernet_tflite_bytes"] = len(rival)
        share = taken["network"].median_ms / taken["light_sernet"].median_ms
        result["share_of_light_sernet"] = round(share, 3)
    return result


def _time_in_turns(subjects: dict[str, Callable[[], object]], runs: int) -> dict[str, Latency]:
    """A few runs of each in turn, so that what else the machine does meets all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(WARM_UP):
        for run in subjects.values():
            run()
    for _ in range(runs // RUNS_IN_TURN):
        for name, run in subjects.items():
            for _ in range(RUNS_IN_TURN):
                begun = thread_time()
                run()
                taken[name].append(1000.0 * (thread_time() - begun))
    return {
        name: Latency(round(median(each), 4), round(quantiles(each, n=20)[-1], 4), len(each))
        for name, each in taken.items()
    }


def _build_rival() -> bytes | None:
    if find_spec("tensorflow") is None or find_spec("moodwire_convert") is None:
        click.echo(
            "LIGHT-SERNET is left out: TensorFlow is not installed here; make its file elsewhere "
            f"(python -m {RIVAL_MODULE} FILE) and give it with --light-sernet",
            err=True,
        )
        return None
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "light_sernet.tflite"
        command = [sys.executable, "-P", "-m", RIVAL_MODULE, str(place)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            last = "".join(done.stderr.strip().splitlines()[-1:])
            click.echo(f"LIGHT-SERNET is left out: it could not be built: {last}", err=True)
            return None
        return place.read_bytes()


def _runtime() -> str:
    package = runtime_package()
    return f"{package} {version(package)}"


def _say(result: dict[str, object]) -> str:
    lines = [
        f"{result['model']} ({result['model_hash']}), {result['tflite_bytes']} bytes, "
        f"{result['macs']} multiply-adds; {result['runtime']}, {result['machine']}, one thread"
    ]
    for name in ("network", "features_to_probabilities", "light_sernet"):
        taken = result.get(name)
        if isinstance(taken, dict):
            lines.append(
                f"  {name.replace('_', ' '):26} {taken['median_ms']:8.3f} ms median, "
                f"{taken['p95_ms']:.3f} ms in 95 of 100 runs"
            )
    if "share_of_light_sernet" in result:
        lines.append(f"  {result['share_of_light_sernet']} of LIGHT-SERNET's time")
    return "\n".join(lines)
