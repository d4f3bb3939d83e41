"""`moodwire-train report`: one HTML page and the model card from everything that was measured."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--results",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("training/results"),
    show_default=True,
    help="Folder of tables that evaluate wrote.",
)
@click.option("--html", type=click.Path(path_type=Path), help="Write the page here.")
@click.option("--card", type=click.Path(path_type=Path), help="Write the model card here.")
def command(results: Path, html: Path | None, card: Path | None) -> None:
    """One self-contained HTML page and the model card from everything that was measured."""
    from moodwire.model import load_bundle, shipped_bundles
    from moodwire_training.report import model_card, read_results, report_page

    if not html and not card:
        raise click.UsageError("nothing to write: give --html FILE, --card FILE, or both")
    found = read_results(results)
    if html:
        html.write_text(report_page(found), encoding="utf-8")
        click.echo(f"wrote {html}")
    if card:
        shipped = [load_bundle(place).manifest for place in shipped_bundles()]
        card.write_text(model_card(found, shipped), encoding="utf-8")
        click.echo(f"wrote {card}")
