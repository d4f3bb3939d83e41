"""What wakes the daemon's loop besides sound: signals, commands, failures of other threads."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Mapping


class Wake:
    """A pipe that the loop polls, and what was put before it."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.failures: deque[BaseException] = deque()
        self._calls: deque[Callable[[], None]] = deque()

    def fileno(self) -> int:
        return self._read

    def ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it rings already
            os.write(self._write, b"\0")

    def call(self, action: Callable[[], None]) -> None:
        """From any thread: let the loop do this."""
        self._calls.append(action)
        self.ring()

    def fail(self, failure: BaseException) -> None:
        """From any thread: the daemon cannot go on."""
        self.failures.append(failure)
        self.ring()

    def answer(self) -> None:
        """In the loop: take note, and do what was asked."""
        with contextlib.suppress(BlockingIOError):
            while len(os.read(self._read, 1024)) == 1024:
                pass
        while self._calls:
            self._calls.popleft()()

    def listen(self, actions: Mapping[signal.Signals, Callable[[], None]]) -> None:
        """Let the loop do these when the signals come; and learn of every thread's exceptions."""
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number, action in actions.items():
            signal.signal(number, lambda *_, action=action: self._calls.append(action))
        threading.excepthook = self._thread_failed

    def _thread_failed(self, arguments: threading.ExceptHookArgs) -> None:
        failure = arguments.exc_value or RuntimeError("a thread ended without saying why")
        failure.add_note(f"in thread {arguments.thread.name if arguments.thread else '?'}")
        self.fail(failure)
