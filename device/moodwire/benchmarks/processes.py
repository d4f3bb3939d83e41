"""What the kernel counts of a process and its children, to the nanosecond and the page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def process_tree(pid: int) -> list[int]:
    """The process, its children, and theirs."""
    found = [pid]
    for task in _tasks(pid, "children"):
        for child in task.split():
            found += process_tree(int(child))
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Since they began. Of what runs for a moment four times a second, ticks would see little."""
    nanoseconds = 0
    for pid in pids:
        nanoseconds += sum(int(task.split()[0]) for task in _tasks(pid, "schedstat"))
    return nanoseconds / 1e9


def resident_bytes(pids: list[int]) -> int:
    """All of them together; pages that they share count for each."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGESIZE")


def _tasks(pid: int, file: str) -> Iterator[str]:
    """What the file says of each thread, but for those that end meanwhile."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            yield (task / file).read_text()
