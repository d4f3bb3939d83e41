"""Exit codes, and how a command says in one line what is wrong.

  0  done
  1  a fault of Moodwire itself
  2  wrong usage of the command line
  3  the configuration cannot be used
  4  the model bundle cannot be used
  5  no sound: the file, the pipe or the microphone cannot be read; or the output not be written
  6  the broker cannot be reached or refuses us
  7  done, but some of the files could not be read
 10  `doctor` found something to look at
 11  `doctor` or `selftest` found something broken
130  interrupted from the keyboard
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

FAULT = 1
USAGE = 2
CONFIGURATION = 3
MODEL = 4
SOUND = 5
OUTPUT = 5
BROKER = 6
SOME_FILES = 7
WARNED = 10
BROKEN = 11
INTERRUPTED = 130  # as shells expect


class CommandError(click.ClickException):
    """Ends a command with its own exit code and a message on stderr."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click declares it for the class

    def format_message(self) -> str:
        several = "\n" in self.message
        return "\n  " + self.message.replace("\n", "\n  ") if several else self.message


@contextmanager
def exits_with(code: int, *errors: type[Exception]) -> Iterator[None]:
    """These errors carry a message for people; anything else is a fault and shows itself."""
    try:
        yield
    except errors as error:
        message = str(error)
        if isinstance(error, OSError) and error.filename:
            message = f"{error.filename}: {error.strerror}"
        raise CommandError(message, code) from None
