"""`moodwire model`: show, verify, install, rollback."""

from __future__ import annotations

import json
from pathlib import Path

import click
import msgspec

from moodwire.cli.options import CONFIG, read_config
from moodwire.cli.problems import MODEL, exits_with
from moodwire.config import Config, state_directory
from moodwire.model import Bundle, BundleError, load_bundle, shipped_bundle
from moodwire.model.archive import unpacked
from moodwire.model.interpreter import RuntimeMissingError
from moodwire.model.store import ModelStore, bundle_to_run
from moodwire.model.verify import verify

BUNDLE = click.argument("bundle", required=False, type=click.Path(path_type=Path))


@click.group()
def command() -> None:
    """The model bundle: what it is, whether it is sound, and which one runs.

    Without BUNDLE: the one that runs, which is model.path of the configuration, else what was
    installed, else what came with the program. A bundle is a folder, .tar, .tar.gz or .zip, or
    the name of one that came with the program: default, open.
    """


@command.command()
@BUNDLE
@CONFIG
@click.option("--json", "as_json", is_flag=True, help="The whole manifest, for programs.")
def show(bundle: Path | None, file: Path | None, as_json: bool) -> None:
    """Prints labels, size, cost, figures and licences."""
    with exits_with(MODEL, BundleError, OSError):
        source = _source(bundle, file)
        with unpacked(source) as directory:
            found = load_bundle(directory)
    if as_json:
        about = {"path": str(source), "hash": found.hash}
        manifest = msgspec.to_builtins(found.manifest)
        click.echo(json.dumps({**about, **manifest}, indent=2, ensure_ascii=False))
    else:
        _print(source, found)


@command.command("verify")
@BUNDLE
@CONFIG
def verify_command(bundle: Path | None, file: Path | None) -> None:
    """Checks hashes, contract and shapes, and runs the golden windows; 4 if unsound."""
    with exits_with(MODEL, BundleError, RuntimeMissingError, OSError):
        source = _source(bundle, file)
        with unpacked(source) as directory:
            found = verify(directory)
    windows = len(found.golden_inputs)
    click.echo(f"{source}: sound ({_title(found)}; {windows} golden windows bit for bit)")


@command.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@CONFIG
def install(bundle: Path, file: Path | None) -> None:
    """Verifies BUNDLE, then switches to it; the one before is kept for rollback."""
    config = read_config(file)
    with exits_with(MODEL, BundleError, RuntimeMissingError, OSError):
        found = _store(config).install(_named(bundle))
    _switched(config, found)


@command.command()
@CONFIG
def rollback(file: Path | None) -> None:
    """Switches back to the model that ran before; once more to return."""
    config = read_config(file)
    with exits_with(MODEL, BundleError, RuntimeMissingError, OSError):
        found = _store(config).rollback()
    _switched(config, found)


def _source(bundle: Path | None, file: Path | None) -> Path:
    return bundle_to_run(read_config(file)) if bundle is None else _named(bundle)


def _named(bundle: Path) -> Path:
    """What is there goes before what came with the program."""
    shipped = shipped_bundle(bundle.name)
    is_name = len(bundle.parts) == 1 and not bundle.exists()
    return shipped if is_name and shipped.is_dir() else bundle


def _store(config: Config) -> ModelStore:
    return ModelStore(state_directory(config))


def _switched(config: Config, bundle: Bundle) -> None:
    click.echo(
        f"{_title(bundle)} runs from the next start of the daemon that keeps its state in "
        f"{state_directory(config)}: sudo systemctl restart moodwire"
    )
    if config.model.path:
        click.echo(
            f"note: the configuration's model.path ({config.model.path}) goes first; empty it to "
            "run what is installed",
            err=True,
        )


def _title(bundle: Bundle) -> str:
    return f"{bundle.name} {bundle.manifest.version}, {bundle.hash}"


def _seconds(bundle: Bundle) -> float:
    return bundle.spec.window_samples / bundle.spec.sample_rate


def _print(source: Path, bundle: Bundle) -> None:
    manifest = bundle.manifest
    lines = {
        "model": _title(bundle),
        "path": str(source),
        "made": f"{manifest.created:%Y-%m-%d}",
        "labels": ", ".join(manifest.labels),
        "front end": f"{manifest.frontend_hash} ({bundle.spec.kind}, {bundle.spec.width} x "
        f"{bundle.spec.window_frames} frames, {_seconds(bundle):.2f} s)",
        "size": f"{manifest.tflite_bytes / 1000:.1f} kB int8, {manifest.parameters} parameters",
        "cost": f"{manifest.macs / 1e6:.1f} million multiply-adds per window",
        "temperature": f"{manifest.temperature:.3f}",
    }
    for name, value in lines.items():
        click.echo(f"{name:12} {value}")
    click.echo(f"\n{manifest.description}\n\n{manifest.licence}\n")
    for corpus in manifest.corpora:
        amount = f"{corpus.clips} clips, {corpus.speakers} speakers"
        click.echo(f"  fitted on {corpus.name:12} {amount:28} {corpus.licence}")
    for metric in manifest.metrics:
        span = "" if metric.low is None else f" ({metric.low:g} to {metric.high:g})"
        click.echo(f"  {metric.name:32} {metric.value:8.3f}{span}  {metric.protocol}")
