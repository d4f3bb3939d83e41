"""The source is opened again, whatever became of it."""

from __future__ import annotations

from moodwire.audio.health import Patience, SourceHealth
from moodwire.audio.stream import CaptureStream
from moodwire.service.ear import Ear


def test_an_ear_whose_device_cannot_be_opened_keeps_trying() -> None:
    tried = []

    def fails() -> CaptureStream:
        tried.append(1)
        raise OSError("too many processes")

    ear = Ear(fails, SourceHealth(Patience(), jitter=lambda: 1.0))
    ear.start(0.0)
    assert ear.state == "lost" and "too many processes" in ear.trouble
    ear.tick(0.5)
    assert len(tried) == 2
