"""Gives back the memory of what only starting needed: code of libraries, mapped from files.

What is needed again comes back from the page cache, page by page. Only mappings that cannot be
written to and hold no page of our own are let go, so nothing can be lost.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Final

MADV_DONTNEED: Final = 4

MAPPING: Final = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r-.p \S+ \S+ [1-9]\d* .*$", re.MULTILINE)
"""Of /proc/self/smaps: private, not writable, of a file (whose inode is not 0)."""

OWN_PAGES: Final = re.compile(r"^Anonymous: +([1-9]\d*) kB", re.MULTILINE)


def release_startup_code() -> None:
    """Of this process. Costs some milliseconds once; where the system refuses, nothing changes."""
    try:
        smaps = Path("/proc/self/smaps").read_text()
    except OSError:
        return
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    mappings = list(MAPPING.finditer(smaps))
    for mapping, following in zip(mappings, [*mappings[1:], None], strict=True):
        details_end = following.start() if following else len(smaps)
        details = smaps[mapping.end() : details_end].split("VmFlags", 1)[0]
        if not OWN_PAGES.search(details):
            start, end = int(mapping[1], 16), int(mapping[2], 16)
            madvise(start, end - start, MADV_DONTNEED)
