"""Streams a long file through the front end, and watches memory and pace; see `bench features`."""

from __future__ import annotations

import json
import sys
import tempfile
import wave
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from moodwire.audio.file import FileSource
from moodwire.audio.source import MODEL_RATE, chunks
from moodwire.features import DEFAULT_SPEC, FeatureWindow, MelStream


def write_noise(path: Path, minutes: int) -> None:
    """The same minute over and over: it costs the front end the same as any other sound."""
    minute = 3_000 * np.random.default_rng(0).standard_normal(60 * MODEL_RATE)
    written = minute.astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, MODEL_RATE, 0, "NONE", "not compressed"))
        for _ in range(minutes):
            file.writeframesraw(written)


def resident_mb(field: str) -> float:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def stream(path: Path) -> dict[str, Any]:
    source = FileSource(path, block_seconds=0.25)
    mel, window = MelStream(DEFAULT_SPEC), FeatureWindow(DEFAULT_SPEC)
    pace: list[float] = []
    first_minute_mb = 0.0
    begun = process_time()
    for chunk in chunks(source):
        window.append(mel.push(chunk.samples))
        if window.full:
            window.features()
        if chunk.end >= 60 * (len(pace) + 1):
            pace.append(process_time() - begun)
            begun = process_time()
            first_minute_mb = first_minute_mb or resident_mb("VmHWM")
    half = len(pace) // 2
    return {
        "hour_us_per_audio_second": round(1e6 * sum(pace) / (60 * len(pace)), 1),
        "hour_slowdown": round(median(pace[half:]) / median(pace[:half]), 3),
        "hour_memory_growth_mb": round(resident_mb("VmHWM") - first_minute_mb, 2),
        "peak_rss_mb": round(resident_mb("VmHWM"), 1),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "long.wav"
        write_noise(file, int(sys.argv[1]))
        print(json.dumps(stream(file)))
