"""Findings as people and as programs read them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click
from msgspec import Struct

from moodwire.diagnostics.finding import Finding, Findings, Grade, broken

MARKS: dict[Grade, tuple[str, str]] = {
    Grade.FINE: ("ok", "green"),
    Grade.SKIPPED: ("--", "bright_black"),
    Grade.WARNING: ("look", "yellow"),
    Grade.BROKEN: ("BROKEN", "red"),
}

NAME_WIDTH = 26
INDENT = " " * 10


class Stage(Struct, frozen=True):
    """Findings about one part of the device."""

    name: str
    findings: list[Finding]

    @property
    def worst(self) -> Grade:
        return max((finding.grade for finding in self.findings), default=Grade.FINE)


def examine(name: str, look: Callable[[], Findings], show: Callable[[str], None]) -> Stage:
    """Runs one stage and shows findings as they come; a check that fails is a finding too."""
    show(click.style(name, bold=True))
    findings: list[Finding] = []
    for finding in _guarded(look):
        findings.append(finding)
        for line in lines(finding):
            show(line)
    return Stage(name, findings)


def _guarded(look: Callable[[], Findings]) -> Iterator[Finding]:
    try:
        yield from look()
    except Exception as error:  # the other stages may still tell what is wrong
        yield broken(
            "this check",
            f"ended with {type(error).__name__}: {error}",
            "a fault of Moodwire; please send the output of: moodwire support",
        )


def lines(finding: Finding) -> Iterator[str]:
    mark, colour = MARKS[finding.grade]
    seen, *more = finding.seen.splitlines() or [""]
    yield f"  {click.style(f'{mark:<7}', fg=colour)} {finding.name:<{NAME_WIDTH}} {seen}"
    for line in more:
        yield f"{INDENT}{'':<{NAME_WIDTH}} {line}"
    if finding.remedy:
        yield from textwrap.wrap(
            f"-> {finding.remedy}", 96, initial_indent=INDENT, subsequent_indent=INDENT + "   "
        )


def worst_of(stages: Iterable[Stage]) -> Grade:
    return max((stage.worst for stage in stages), default=Grade.FINE)


def summary(stages: Iterable[Stage]) -> str:
    grades = [finding.grade for stage in stages for finding in stage.findings]
    bad, odd = grades.count(Grade.BROKEN), grades.count(Grade.WARNING)
    if not bad and not odd:
        return click.style(f"{len(grades)} checks, nothing is wrong", fg="green")
    return click.style(
        f"{len(grades)} checks: {bad} broken, {odd} to look at", fg="red" if bad else "yellow"
    )


def as_json(stages: Iterable[Stage]) -> dict[str, Any]:
    return {
        "worst": worst_of(list(stages)).name.lower(),
        "stages": {
            stage.name: [
                {
                    "name": finding.name,
                    "grade": finding.grade.name.lower(),
                    "seen": finding.seen,
                    "remedy": finding.remedy,
                }
                for finding in stage.findings
            ]
            for stage in stages
        },
    }
