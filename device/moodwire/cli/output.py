"""The standard output, so that trouble with it is told from a fault of the program."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO, cast

from moodwire.cli.problems import OUTPUT, CommandError


class Output:
    """A stream that ends the command in one line where it cannot be written.

    A reader that went away is no trouble: click ends the command without a word.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._failure: CommandError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._told():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._told():
            self._stream.flush()

    @contextmanager
    def _told(self) -> Iterator[None]:
        if self._failure is not None:  # who tries whether it can write swallows the first
            raise self._failure
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            self._give_up()
            said = f"the output cannot be written: {error.strerror}"
            self._failure = CommandError(said, OUTPUT)
            raise self._failure from None

    def _give_up(self) -> None:
        """What still waits would fail again, with words of Python's own, when Python ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


@contextmanager
def checked_output() -> Iterator[None]:
    """All that is printed meanwhile is written at the end, or it is said that it was not."""
    # where it is closed, nobody wants to read
    stream = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115  # until the process ends
    if isinstance(stream, TextIOWrapper):  # what the terminal cannot show must not end a command
        stream.reconfigure(errors="replace")
    output = Output(stream)
    sys.stdout = cast(TextIO, output)
    try:
        try:
            yield
        finally:
            output.flush()
    finally:
        sys.stdout = stream
