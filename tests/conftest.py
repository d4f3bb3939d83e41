"""Shared parts of the bench: one plugin module per real thing, in tests/fixtures."""

from hypothesis import settings

# a busy machine is no fault of the code
settings.register_profile("moodwire", deadline=None)
settings.load_profile("moodwire")

pytest_plugins = ["broker", "kitchen", "assistant", "pulse", "sounds", "daemon"]
