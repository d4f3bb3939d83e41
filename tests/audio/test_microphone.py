"""The microphone through a real audio server, as commands hear it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict

import numpy as np
import pytest
from pulse import PulseServer
from sounds import noise

from moodwire.audio import capture_source
from moodwire.audio.capture import Order
from moodwire.audio.capture_source import CaptureSource
from moodwire.audio.source import Chunk, Samples, SourceError
from moodwire.audio.spawn import Capture, spawn_capture

pytestmark = pytest.mark.pulse

AT_48_KHZ = """
from moodwire.audio import capture
capture.rate_to_open = lambda *_: 48_000
capture.main()
"""


@pytest.fixture(autouse=True)
def environment(pulse: PulseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in pulse.env.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Capture]:
    """All that were spawned."""
    spawned: list[Capture] = []

    def spawn(device: str, channel: int) -> Capture:
        spawned.append(spawn_capture(device, channel))
        return spawned[-1]

    monkeypatch.setattr(capture_source, "spawn_capture", spawn)
    return spawned


@pytest.fixture
def listening(processes: list[Capture]) -> Iterator[CaptureSource]:
    with closing(CaptureSource("vmic")) as source:
        assert source.read(10.0)
        yield source


def listen(source: CaptureSource, seconds: float) -> list[Chunk]:
    chunks: list[Chunk] = []
    while sum(len(chunk.samples) for chunk in chunks) < seconds * 16_000:
        chunk = source.read(5.0)
        assert chunk
        chunks.append(chunk)
    return chunks


def joined(chunks: list[Chunk]) -> Samples:
    return np.concatenate([chunk.samples for chunk in chunks])


def difference(needle: Samples, hay: Samples) -> Samples:
    """From where a stretch of samples was heard best."""
    length = 1 << (len(needle) + len(hay)).bit_length()
    spectra = np.fft.rfft(hay, length) * np.conj(np.fft.rfft(needle, length))
    at = int(np.argmax(np.fft.irfft(spectra, length)[: len(hay) - len(needle)]))
    return hay[at : at + len(needle)] - needle


def played() -> Samples:
    return (np.round(noise(1.0) * 32768) / 32768).astype(np.float32)


def test_what_is_played_is_heard_bit_for_bit(pulse: PulseServer, listening: CaptureSource) -> None:
    pulse.play(played())
    chunks = listen(listening, 2.5)
    assert (listening.name, listening.native_rate, listening.finished) == ("vmic", 16_000, False)
    assert not difference(played(), joined(chunks)).any()
    assert [chunk.position for chunk in chunks] == [1600 * (n + 1) for n in range(len(chunks))]
    times = [chunk.time for chunk in chunks]
    assert (np.diff(times) > 0).all()
    assert 0 < time.monotonic() - times[-1] < 3.0
    assert not any(chunk.after_gap for chunk in chunks)


def test_another_rate_is_resampled_while_listening(
    pulse: PulseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spawn(device: str, channel: int) -> Capture:
        command = [
            sys.executable,
            "-c",
            AT_48_KHZ,
            json.dumps(asdict(Order(device, channel))),
        ]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(capture_source, "spawn_capture", spawn)
    with closing(CaptureSource("vmic")) as source:
        assert source.read(10.0)
        pulse.play(played())
        heard = joined(listen(source, 2.5))
        assert source.native_rate == 48_000
    # white noise loses the band next to 8 kHz on its way up and down again
    left = difference(played()[4000:-4000], heard)
    assert np.sqrt(np.mean(left**2)) < 0.3 * np.sqrt(np.mean(played() ** 2))


def test_a_server_that_dies_is_told_once(pulse: PulseServer, listening: CaptureSource) -> None:
    pulse.stop()
    with pytest.raises(SourceError, match=r"vmic: the microphone went away: \w"):
        listen(listening, 3_600.0)
    assert listening.finished
    assert listening.read(0.0) is None


@pytest.mark.parametrize("fault", [PulseServer.suspend, PulseServer.freeze])
def test_a_stream_that_stands_still_brings_nothing_and_can_be_closed(
    pulse: PulseServer,
    listening: CaptureSource,
    processes: list[Capture],
    fault: Callable[[PulseServer], None],
) -> None:
    fault(pulse)
    while listening.read(1.0):
        pass
    assert not listening.finished
    listening.close()
    listening.close()
    assert processes[0].returncode is not None
    assert listening.finished and listening.read(0.0) is None


def test_a_server_that_hangs_while_opening_is_given_up(
    pulse: PulseServer, processes: list[Capture]
) -> None:
    pulse.freeze()
    with pytest.raises(SourceError, match="opening vmic did not end within 3 s; the audio server"):
        CaptureSource("vmic", patience=3.0)
    assert processes[0].returncode is not None


def test_an_unknown_name_tells_what_there_is(processes: list[Capture]) -> None:
    with pytest.raises(
        SourceError, match=r"microphone 'Nobody' was not found; there are: .*'vmic'"
    ):
        CaptureSource("Nobody")
    assert processes[0].returncode is not None


def test_ctrl_c_is_for_who_listens(listening: CaptureSource, processes: list[Capture]) -> None:
    assert os.getpgid(processes[0].pid) != os.getpgrp()


def test_a_channel_that_is_not_there_is_told() -> None:
    with pytest.raises(SourceError, match=r"microphone.channel is 99, but 'vmic' has \d+; 0 mixes"):
        CaptureSource("vmic", channel=99)
