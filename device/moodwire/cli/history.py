"""`moodwire history`: the kept moods of a day or a week's hours, in the terminal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from moodwire.cli.options import CONFIG, read_config
from moodwire.cli.problems import CONFIGURATION, FAULT, USAGE, CommandError, exits_with
from moodwire.config import Config
from moodwire.history.spans import FOREVER, NoSuchDayError, bounds, by_hour, quiet_until
from moodwire.history.statistics import (
    Share,
    compare_today,
    heat_map,
    largest_share,
    occasions,
)
from moodwire.history.store import DamagedError, HistoryStore, MoodMinute, history_path
from moodwire.history.words import CSV_HEAD, WEEKDAYS, csv_line, interval, weeks, when

SHADES = " ░▒▓█"
LETTER_MINUTES = 2
"""Minutes that one letter of the day view stands for."""


@click.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Another day than today.")
@click.option("--mood", help="Heat map of this mood over the hours of the week.")
@click.option("--json", "as_json", is_flag=True, help="The day's minutes as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="The day's minutes as CSV.")
@click.option("--all", "everything", is_flag=True, help="With --json or --csv: every day.")
@click.option("--file", "history", type=click.Path(path_type=Path), help="Another history file.")
@CONFIG
def command(
    day: datetime | None,
    mood: str | None,
    as_json: bool,
    as_csv: bool,
    everything: bool,
    history: Path | None,
    file: Path | None,
) -> None:
    """Shows which moods were heard. The history is kept only where [history] asks for it."""
    _check_together({"--json": as_json, "--csv": as_csv, "--mood": mood})
    _check_together({"--day": day, "--all": everything, "--mood": mood})
    if everything and not (as_json or as_csv):
        raise click.UsageError("--all needs --json or --csv")
    config = Config() if history and not file else read_config(file)
    chosen = day.date() if day else date.today()
    with exits_with(USAGE, NoSuchDayError):
        start, end = bounds(chosen)
    if everything:
        start, end = 0.0, FOREVER
    with _legible(history or history_path(config)):
        store = _existing(history) if history else _store(config)
        minutes = store.moods(start, end)
        if as_json:
            click.echo(json.dumps([_row(minute) for minute in minutes], indent=1))
        elif as_csv:
            click.echo(CSV_HEAD + "".join(map(csv_line, minutes)), nl=False)
        elif mood:
            _print_heat(store, mood)
        else:
            _print_day(store, chosen, minutes, config.history.write_every)


def _check_together(options: dict[str, object]) -> None:
    given = [name for name, value in options.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other")


@contextmanager
def _legible(path: Path) -> Iterator[None]:
    with exits_with(FAULT, DamagedError):
        try:
            yield
        except (sqlite3.OperationalError, PermissionError) as error:
            raise CommandError(f"the history in {path} cannot be read: {error}", FAULT) from None


def _store(config: Config) -> HistoryStore:
    path = history_path(config)
    if not config.history.enabled:
        return _existing(path)
    if not path.exists():
        every = f"every {config.history.write_every:g} s"
        click.echo(f"nothing is written yet: the service writes {path} {every}", err=True)
    return HistoryStore(path)


def _existing(path: Path) -> HistoryStore:
    if not path.exists():
        hint = "set enabled = true under [history] and restart the service"
        raise CommandError(f"no history at {path}; to keep one, {hint}", CONFIGURATION)
    return HistoryStore(path)


def _row(minute: MoodMinute) -> dict[str, object]:
    return {
        "minute": when(minute),
        "mood": minute.mood,
        "seconds": round(minute.seconds, 2),
        "confidence": round(minute.confidence, 4),
    }


def _print_day(
    store: HistoryStore, day: date, minutes: list[MoodMinute], write_every: float
) -> None:
    console = Console()
    table = Table(title=f"{day:%A, %-d %B %Y}", title_justify="left", box=None)
    table.add_column("hour")
    table.add_column(f"one letter: {LETTER_MINUTES} minutes, · quiet, blank unknown")
    table.add_column("listened", justify="right")
    table.add_column("speech", justify="right")
    listened = store.listened(*bounds(day))
    now = datetime.now()
    for hour, own in by_hour(minutes, listened).items():
        spoken = sum(m.seconds for m in own) / 60
        heard = listened.get(hour, 0.0)
        table.add_row(
            f"{datetime.fromtimestamp(hour):%H}",
            _letters(hour, own, quiet_until(hour, heard, now.timestamp(), write_every)),
            f"{min(60.0, heard / 60):.0f} min",
            f"{spoken:.0f} min",
        )
    console.print(table)
    moods = sorted({m.mood for m in minutes})
    is_today = day == now.date()
    nothing = "Nothing was heard."
    if is_today and not listened:
        nothing = "Nothing of today is written yet."
    console.print("  ".join(f"{mood[0].upper()} {mood}" for mood in moods) or nothing)
    if is_today:
        _print_comparison(console, store, now, moods)


def _letters(hour: int, minutes: list[MoodMinute], quiet_for: float) -> str:
    letters = []
    for start in range(hour, hour + 3600, 60 * LETTER_MINUTES):
        seconds: dict[str, float] = {}
        for m in minutes:
            if start <= m.minute < start + 60 * LETTER_MINUTES:
                seconds[m.mood] = seconds.get(m.mood, 0.0) + m.seconds
        quiet = "·" if start - hour < quiet_for else " "
        letters.append(max(seconds, key=lambda m: seconds[m])[0].upper() if seconds else quiet)
    return "".join(letters)


def _print_comparison(
    console: Console, store: HistoryStore, now: datetime, moods: list[str]
) -> None:
    words = {True: "unusual", False: "as usual", None: "too few days to say"}
    for today in compare_today(occasions(store.quarters(0, FOREVER)), now, moods):
        days = today.usual.occasions
        usual = f"{interval(today.usual)} over {days} days" if days else "not known yet"
        share = f"{today.mood}: {100 * today.share:.0f} % of this hour's speech"
        console.print(f"{share}, usually {usual}: {words[today.differs]}")


def _print_heat(store: HistoryStore, mood: str) -> None:
    past = list(store.quarters(0, FOREVER))
    held = sorted({each.mood for each in past})
    if held and mood not in held:  # its map would be as even as that of a calm house
        raise CommandError(f"the history holds no {mood}; it holds {', '.join(held)}", USAGE)
    shares = heat_map(occasions(past), mood)
    largest = largest_share(shares)
    console = Console()
    console.print(f"When people sound {mood}, over {weeks(store)}: share of speech by hour")
    console.print("     " + "".join(f"{hour:<3d}" for hour in range(24)))
    for name, row in zip(WEEKDAYS, shares, strict=True):
        console.print(Text(f"{name}  " + "".join(_shade(s, largest) for s in row)))
    console.print(f"█ is {100 * largest:.0f} %, · too little speech to say")


def _shade(share: Share, largest: float) -> str:
    if not share.occasions:
        return "·  "
    return SHADES[round((len(SHADES) - 1) * share.value / (largest or 1.0))] * 2 + " "
