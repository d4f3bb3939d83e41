"""What reading a JSON text may raise that a worn card or a stranger has written."""

from __future__ import annotations

from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Only the first is msgspec's own: bytes that are no UTF-8, and brackets that are nested deeper
than Python's stack, it leaves to Python."""
