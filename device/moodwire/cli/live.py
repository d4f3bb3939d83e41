"""The live view of `moodwire listen`: drawn from the newest observation, no state of its own kind.

Everything here is a pure function of a `Scene`; the command owns the terminal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from moodwire.decision.observation import AlertRaised, MoodChange, Observation
from moodwire.events import QUIET, UNCERTAIN

TIMELINE_SECONDS = 60.0
QUIETEST_DB = -70.0
"""Left end of the level meter; its right end is full scale."""

COLOURS = {
    "angry": "red",
    "disgust": "green",
    "fear": "magenta",
    "happy": "yellow",
    "neutral": "white",
    "sad": "blue",
    "calm": "cyan",
    "surprise": "bright_yellow",
    "boredom": "bright_black",
    UNCERTAIN: "bright_black",
    QUIET: "bright_black",
}
OTHER_COLOURS = ("bright_cyan", "bright_green", "bright_magenta", "bright_blue")


@dataclass(slots=True)
class Scene:
    """What the view shows."""

    title: str
    labels: tuple[str, ...]
    enter: tuple[float, ...]
    """Threshold of each label: a mark on its bar."""

    newest: Observation | None = None
    """None while the source gives nothing to judge."""

    heard: float = 0.0
    """Seconds of sound so far."""

    waiting: float = 0.0
    """Seconds for which no sound has come."""

    past: deque[tuple[float, str]] = field(default_factory=deque)
    """Time and mood of every hop that the timeline still shows."""

    def add(self, seen: Observation) -> None:
        self.newest = seen
        time = seen.window.time
        self.past.append((time, seen.mood))
        while self.past and self.past[0][0] < time - TIMELINE_SECONDS:
            self.past.popleft()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        glyphs = ASCII if options.ascii_only else BLOCKS
        width = min(options.max_width, 100)
        for line in _lines(self, width, glyphs):
            line.truncate(width)  # one that wraps pushes the others about
            yield line


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters that the terminal can show."""

    full: str
    empty: str
    mark: str
    speaking: str
    silent: str
    uncertain: str


BLOCKS = Glyphs("█", "─", "┆", "●", "○", "▄")
ASCII = Glyphs("#", "-", "|", "*", "o", "=")


def colour(mood: str, labels: tuple[str, ...]) -> str:
    if mood in COLOURS or mood not in labels:
        return COLOURS.get(mood, "white")
    return OTHER_COLOURS[labels.index(mood) % len(OTHER_COLOURS)]


def _lines(scene: Scene, width: int, glyphs: Glyphs) -> Iterator[Text]:
    yield _headline(scene, width)
    yield Text()
    yield _level(scene, width, glyphs)
    yield _mood(scene, glyphs)
    yield Text()
    yield from _bars(scene, width, glyphs)
    yield Text()
    yield from _timeline(scene, width, glyphs)


def _headline(scene: Scene, width: int) -> Text:
    clock = f"{int(scene.heard) // 60}:{int(scene.heard) % 60:02d}"
    line = Text(scene.title, style="bold")
    line.truncate(max(0, width - len(clock) - 1), pad=True)
    return line.append(f" {clock}", style="dim")


def _level(scene: Scene, width: int, glyphs: Glyphs) -> Text:
    window = scene.newest.window if scene.newest else None
    level = window.level if window else None
    share = 0.0 if level is None else min(1.0, max(0.0, 1.0 - level / QUIETEST_DB))
    style = "red" if level is not None and level > -3.0 else "green"
    line = _bar("level", share, None, style, width - 34, glyphs)
    if scene.waiting > 1.0:
        return line.append(f"  no sound for {scene.waiting:.0f} s", style="bold red")
    line.append("   silence" if level is None else f" {level:5.0f} dB")
    if window and window.snr is not None:
        line.append(f"  {window.snr:+.0f} over noise", style="dim")
    return line


def _mood(scene: Scene, glyphs: Glyphs) -> Text:
    seen = scene.newest
    if seen is None:
        nothing = "nothing is heard" if scene.past else "nothing heard yet"
        return Text(f"mood     {nothing}", style="dim")
    speaking = seen.window.speech
    line = Text(f"{'mood':<9}")
    line.append(
        f"{glyphs.speaking if speaking else glyphs.silent} ", "green" if speaking else "dim"
    )
    line.append(seen.mood, style=f"bold {colour(seen.mood, scene.labels)}")
    if seen.mood in scene.labels and seen.confidence is not None:
        line.append(f" {seen.confidence:.0%}")
    return line.append(f"  for {max(0.0, seen.window.time - seen.since):.0f} s", style="dim")


def _bars(scene: Scene, width: int, glyphs: Glyphs) -> Iterator[Text]:
    smoothed = scene.newest.smoothed if scene.newest else None
    for number, label in enumerate(scene.labels):
        share = 0.0 if smoothed is None else float(smoothed[number])
        style = colour(label, scene.labels)
        line = _bar(label, share, scene.enter[number], style, width - 14, glyphs)
        yield line.append("" if smoothed is None else f" {share:4.0%}")


def _bar(
    name: str, share: float, mark: float | None, style: str, width: int, glyphs: Glyphs
) -> Text:
    """A share of 0 to 1 as a bar with a mark on it."""
    filled = round(share * width)
    line = Text(f"{name:<9}"[:9])
    for place in range(width):
        if mark is not None and place == min(width - 1, round(mark * width)):
            line.append(glyphs.mark, style="bold" if place < filled else "dim")
        elif place < filled:
            line.append(glyphs.full, style=style)
        else:
            line.append(glyphs.empty, style="bright_black")
    return line


def _timeline(scene: Scene, width: int, glyphs: Glyphs) -> Iterator[Text]:
    columns = max(1, width - 14)
    moods = _columns(scene, columns)
    line = Text(f"{'before':<9}")
    for mood in moods:
        shapes = {None: " ", QUIET: glyphs.empty, UNCERTAIN: glyphs.uncertain}
        line.append(shapes.get(mood, glyphs.full), style=colour(mood or QUIET, scene.labels))
    yield line
    ago = f"{TIMELINE_SECONDS:.0f} s ago"
    yield Text(" " * 9 + ago + "now".rjust(columns - len(ago)), style="dim")


def _columns(scene: Scene, columns: int) -> list[str | None]:
    """The newest mood of each stretch of time; None where nothing was heard yet."""
    moods: list[str | None] = [None] * columns
    if scene.past:
        now = scene.past[-1][0]
        for time, mood in scene.past:
            place = columns - 1 - int((now - time) / TIMELINE_SECONDS * columns)
            moods[max(0, place)] = mood
    return moods


def describe(change: MoodChange | AlertRaised, heard: float, labels: tuple[str, ...]) -> Text:
    """A line for the history above the view; `heard`: seconds since listening began."""
    line = Text(f"{int(heard) // 60:3d}:{heard % 60:04.1f}  ", style="dim")
    line.append(change.mood, style=f"bold {colour(change.mood, labels)}")
    if isinstance(change, AlertRaised):
        line.append(f" held for {change.sustained:.1f} s: alert ")
        return line.append(change.alert, style="bold reverse")
    if change.change == "started":
        return line.append(f" began, {change.confidence:.0%} sure")
    return line.append(f" ended after {change.duration:.1f} s, {change.confidence:.0%} sure")
