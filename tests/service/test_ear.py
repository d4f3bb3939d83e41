"""The source is opened again, whatever became of it."""

from __future__ import annotations

from moodwire.audio.health import Patience, SourceHealth
from moodwire.audio.stream import Block, CaptureStream, StreamEndedError
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


class Unplugged:
    """A stream that has ended."""

    def fileno(self) -> int:
        return -1

    def take(self) -> list[Block]:
        raise StreamEndedError("unplugged")

    def close(self) -> None:
        pass


def test_a_source_that_stalls_is_not_lost_for_the_reason_of_the_last_time() -> None:
    patience = Patience()
    ear = Ear(Unplugged, SourceHealth(patience, jitter=lambda: 1.0))
    ear.start(0.0)
    ear.take(1.0)
    assert ear.trouble == "unplugged"
    ear.tick(2.0)
    ear.tick(2.0 + patience.first_audio)
    assert ear.state == "lost"
    assert ear.trouble == "nothing came for too long"
