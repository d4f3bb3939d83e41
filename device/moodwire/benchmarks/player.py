"""Stands in for the capture process: the same packets, but from a file of raw samples.

python -m moodwire.benchmarks.player FILE real|fast
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from moodwire.audio.capture import SAMPLES, Opening, write_packet
from moodwire.audio.devices import MODEL_RATE
from moodwire.audio.memory import release_startup_code

SAMPLE_BYTES = 2


def main() -> None:
    file, pace = Path(sys.argv[1]), sys.argv[2]
    opening = Opening(name=file.name, rate=MODEL_RATE, channels=1)
    os.write(1, json.dumps(asdict(opening)).encode() + b"\n")
    frames = int(sys.stdin.readline())
    release_startup_code()
    began, position = time.monotonic(), 0
    with file.open("rb", buffering=0) as recording:
        while payload := recording.read(frames * SAMPLE_BYTES):
            position += len(payload) // SAMPLE_BYTES
            heard_at = began + position / MODEL_RATE
            if pace == "real":
                time.sleep(max(0.0, heard_at - time.monotonic()))
                heard_at = time.monotonic()
            write_packet(1, SAMPLES, False, payload, heard_at)


if __name__ == "__main__":
    main()
