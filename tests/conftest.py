"""Shared parts of the bench: one plugin module per real thing, in tests/fixtures."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from moodwire.threads import limit_threads

limit_threads()

# a busy machine is no fault of the code
settings.register_profile("moodwire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("moodwire")

# TensorFlow with one thread adds in the same order each time.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

# Started in the background of a script, all processes of a test would be deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = [
    "broker", "kitchen", "assistant", "pulse", "sounds", "daemon", "zone", "captured",
]  # fmt: skip


@pytest.fixture
def among_traps(tmp_path, monkeypatch):
    """The current folder holds a module by the name of one that is used everywhere; the file that
    it writes where somebody runs it."""
    folder = tmp_path / "of_somebody_else"
    folder.mkdir()
    sprung = folder / "sprung"
    (folder / "msgspec.py").write_text(f"open({str(sprung)!r}, 'w').close()\n")
    monkeypatch.chdir(folder)
    return sprung
