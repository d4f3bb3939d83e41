"""`moodwire-train corpora`: what is there, what is wrong with it, and a report to look at."""

from __future__ import annotations

from pathlib import Path

import click

from moodwire_training.cli.options import ROOT, Data
from moodwire_training.material import DEFAULT_CACHE
from moodwire_training.processes import Processes


@click.command()
@click.argument("roots", nargs=-1, required=True, type=ROOT)
@click.option("--report", type=click.Path(path_type=Path), help="Write an HTML report here.")
@click.option("--manifest", type=click.Path(path_type=Path), help="Write all clips as CSV here.")
@click.option("--cache", type=click.Path(path_type=Path), default=DEFAULT_CACHE, show_default=True)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True)
def command(
    roots: tuple[Path, ...],
    report: Path | None,
    manifest: Path | None,
    cache: Path,
    workers: int,
) -> None:
    """Find the corpora below ROOTS and say what is complete, missing, odd or unusable."""
    from moodwire_training.clips import write_manifest
    from moodwire_training.corpora import find_corpora

    found = find_corpora(roots)
    for item in found:
        expected = f" of {item.expected_clips}" if item.expected_clips else ""
        state = "" if item.complete else "  (incomplete)"
        click.echo(
            f"{item.corpus:12s} {len(item.clips)}{expected} clips, "
            f"{len(item.speakers)} speakers{state}"
        )
        for path in item.repeated[:5]:
            click.echo(f"    found twice: {path}")
        for line in item.refused:
            click.echo(f"    left out: {line}")
    if not found:
        raise click.ClickException("no known corpus there; a CSV manifest can be named instead")
    if manifest:
        write_manifest(manifest, [clip for item in found for clip in item.clips])
    if report:
        from moodwire_training.exploration import exploration_page

        material = Data(roots, cache, Processes(workers)).load()
        for path, reason in material.store.unusable.items():
            click.echo(f"    left out: {path}: {reason}")
        report.write_text(exploration_page(found, material), encoding="utf-8")
        click.echo(f"wrote {report}")
