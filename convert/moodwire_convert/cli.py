"""`moodwire-convert`: one command from a training's folder to a bundle."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import click
import msgspec
import numpy as np

from moodwire.model import Bundle
from moodwire.model.manifest import Metric
from moodwire_convert.acceptance import measure_acceptance, refuse_known
from moodwire_convert.calibrate import Labelled, labelled
from moodwire_convert.card import read_card, read_record
from moodwire_convert.convert import LARGEST_TFLITE, Converted, Request, convert
from moodwire_convert.export import ConversionError
from moodwire_convert.old_runtime import check_old_runtime
from moodwire_convert.write import add_metrics
from moodwire_training import run_files
from moodwire_training.evaluation.record import ACCEPTANCE_METRICS

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--card", default="default", show_default=True, help="`default`, `open` or a file.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Bundle to write.")
@click.option("--version", "version_", help="Version of the model; default: today's date.")
@click.option("--features", type=FILE, help="Instead of RUN/calibration.npz.")
@click.option("--validation", type=FILE, help="Windows to fit the temperature on.")
@click.option("--metrics", type=FILE, help="Instead of RUN/metrics.json.")
@click.option(
    "--test", "tests", multiple=True, metavar="NAME=FILE", help="Besides RUN/test_NAME.npz."
)
@click.option(
    "--acceptance",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the corpora: what the device's pipeline makes of the acceptance speakers' "
    "clips is measured and kept in the manifest (about a minute).",
)
@click.option(
    "--largest", default=LARGEST_TFLITE, show_default=True, help="Most bytes of the int8 model."
)
@click.option(
    "--old-runtime",
    type=click.Path(path_type=Path),
    help="Folder of an environment with tflite-runtime 2.14 (made if missing, by uv): its "
    "reference kernels must give the golden outputs bit for bit.",
)
def main(
    run: Path,
    card: str,
    out: Path,
    version_: str | None,
    features: Path | None,
    validation: Path | None,
    metrics: Path | None,
    tests: tuple[str, ...],
    acceptance: Path | None,
    largest: int,
    old_runtime: Path | None,
) -> None:
    """Turn the network that training left in RUN into a full-int8 bundle.

    RUN holds model.keras, model.json and calibration.npz, and may hold test_NAME.npz (int8 is set
    beside float on each) and metrics.json (kept in the manifest). The temperature is what
    `moodwire-train evaluate table --record RUN` fitted, or is fitted on --validation. To renew
    what ships:

    \b
      moodwire-convert RUN --acceptance DATA --out device/moodwire/bundles/default
      moodwire-convert RUN --acceptance DATA --card open --out device/moodwire/bundles/open
    """
    try:
        request = Request(
            network=run / run_files.MODEL,
            card=read_card(card),
            record=read_record(run / run_files.RECORD),
            version=version_ or datetime.now(UTC).strftime("%Y.%m.%d"),
            calibration=_windows(features or run / run_files.CALIBRATION),
            validation=_labelled(validation) if validation else None,
            tests=_tests(run, tests),
            metrics=_metrics(metrics or run / run_files.METRICS),
            largest=largest,
        )
        if acceptance is not None:
            refuse_known(request.record.speakers_heard)
        converted = convert(request, out)
        bundle = converted.bundle
        if acceptance is not None:
            bundle = add_metrics(bundle, list(measure_acceptance(bundle, [acceptance])))
        _say(bundle, converted)
        if request.validation is None and request.record.temperature is None:
            click.echo("  no temperature was fitted: moodwire-train evaluate table --record RUN")
        if old_runtime is not None:
            click.echo(check_old_runtime(old_runtime, out))
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _windows(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(_array(path, "features"), dtype=np.float32)


def _array(path: Path, name: str) -> np.ndarray[Any, Any]:
    arrays = _arrays(path)
    if name not in arrays:
        raise ConversionError(f"{path}: no array {name!r}; found: {', '.join(arrays)}")
    return arrays[name]


def _arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    try:
        with np.load(path) as content:
            return dict(content)
    except (ValueError, TypeError, EOFError, BadZipFile) as error:
        raise ConversionError(
            f"{path}: not what numpy.savez writes, or cut short: {error}"
        ) from None


def _labelled(path: Path) -> Labelled:
    try:
        return labelled(_windows(path), _array(path, "labels"))
    except ValueError as error:
        raise ConversionError(f"{path}: {error}") from None


def _tests(run: Path, given: Iterable[str]) -> dict[str, Labelled]:
    files = {
        path.stem.removeprefix("test_"): path
        for path in sorted(run.glob("test_*.npz"))
        # training keeps logits of its own under such names, too
        if "features" in _arrays(path)
    }
    for item in given:
        name, _, path = item.partition("=")
        if not path:
            raise ConversionError(f"--test {item!r}: NAME=FILE is needed")
        files[name] = Path(path)
    return {name: _labelled(path) for name, path in files.items()}


def _metrics(path: Path) -> list[Metric]:
    if not path.exists():
        return []
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Metric])
    except msgspec.DecodeError as error:
        raise ConversionError(f"{path}: {error}") from None


def _say(bundle: Bundle, converted: Converted) -> None:
    manifest = bundle.manifest
    click.echo(
        f"{bundle.path}: {bundle.name} {manifest.version} ({bundle.hash}), "
        f"{manifest.tflite_bytes / 1000:.1f} kB, {manifest.macs / 1e6:.1f} million multiply-adds, "
        f"{manifest.parameters} parameters, temperature {manifest.temperature:.3f}"
    )
    for each in converted.comparisons:
        click.echo(
            f"  {each.name}: {each.windows} windows, UAR {100 * each.uar_int8:.1f} int8, "
            f"{100 * each.uar_float:.1f} float, {100 * each.agreement:.1f} % agree, "
            f"ECE {each.calibration_error:.3f}"
        )
    for name in converted.left_out:
        click.echo(f"  {name}: none of its windows is in a mood of this bundle")
    for metric in manifest.metrics:
        if metric.name.startswith(ACCEPTANCE_METRICS):
            click.echo(f"  {metric.name}: {100 * metric.value:.1f}")
