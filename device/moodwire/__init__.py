"""Moodwire hears how people in a room or a car sound, on the device itself."""

__version__ = "0.1.0"
