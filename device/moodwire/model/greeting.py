"""Keeps the runtime's greeting off the standard error.

It goes past Python, to the descriptor of the whole process, in the middle of whatever is printed
there. Warnings and errors take the same way, and must be seen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Final

GREETING: Final = b"INFO: "
"""How a line begins that nobody needs."""

borrowed_error_output: Final = Lock()
"""Two at once would give each other's descriptor back; and a program that takes this one's place
meanwhile would have it for ever, and log into nothing."""


@contextmanager
def without_greeting() -> Iterator[None]:
    """What is said meanwhile comes at the end, without the lines that only greet."""
    if sys.__stderr__ is None:  # closed: the descriptor may be another file's by now
        yield
        return
    with borrowed_error_output:
        kept, said = os.dup(2), os.memfd_create("said")
        os.dup2(said, 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            _pass_on(said)
            os.close(said)
            os.close(kept)


def _pass_on(said: int) -> None:
    os.lseek(said, 0, os.SEEK_SET)
    with os.fdopen(said, "rb", closefd=False) as lines:
        needed = b"".join(line for line in lines if not line.startswith(GREETING))
    with suppress(OSError):  # nobody reads it; that is no reason to judge nothing
        os.write(2, needed)
