"""What goes wrong with sources; apart, so that the capture process need not load numpy."""

from __future__ import annotations


class SourceError(Exception):
    """A source that cannot be opened or read; the message says what to do about it."""
