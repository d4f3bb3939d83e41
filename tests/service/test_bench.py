"""The benchmark measures all that it promises; how much that is, is not for a test to judge."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROMISED = {
    "cpu_percent_speech",
    "cpu_percent_quiet",
    "rss_mb",
    "startup_s",
    "latency_ms_p50",
    "latency_ms_p95",
    "vs_librosa_litert_loop",
}


@pytest.mark.timeout(900)
def test_all_figures_are_measured() -> None:
    command = [sys.executable, "-m", "moodwire", "bench", "run", "--json"]
    short = ["--seconds", "1", "--hours", "0.006"]
    out = subprocess.run([*command, *short], check=True, capture_output=True, timeout=890).stdout
    figures = json.loads(out)
    assert set(figures) >= PROMISED
    assert all(figures[name] > 0 for name in PROMISED)
    assert figures["latency_ms_p50"] <= figures["latency_ms_p95"]
    assert figures["inferences_per_hop"] > 0, "the speech was taken for speech"
