"""Packets of the capture process become blocks; a broken or stuck one becomes an ended stream."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from moodwire.audio.capture import FAILURE, HEADER, SAMPLES, Opening
from moodwire.audio.stream import CaptureStream, Decoder, StreamEndedError, heard

PACKET = 320


def packet(samples: np.ndarray, end: float, lost: bool = False) -> bytes:
    payload = samples.astype("<i2").tobytes()
    return HEADER.pack(SAMPLES, lost, len(payload), end) + payload


def ramp(start: int, count: int) -> np.ndarray:
    return np.arange(start, start + count, dtype=np.int16)


def test_blocks_are_the_same_however_the_bytes_arrive() -> None:
    data = b"".join(packet(ramp(n * 320, 320), 5.0 + 0.02 * (n + 1)) for n in range(5))
    decoder, arrived, blocks = Decoder(Opening("mic", 16_000, 1), 0), bytearray(), []
    for byte in data:
        arrived.append(byte)
        blocks += decoder.blocks(arrived)
    assert len(blocks) == 5 and not arrived
    whole = np.concatenate([block.samples for block in blocks])
    assert np.array_equal(whole, ramp(0, 1_600) / np.float32(32_768))
    assert blocks[0].time == pytest.approx(5.0) and blocks[4].time == pytest.approx(5.08)


def test_the_wanted_channel_is_taken() -> None:
    both = np.stack((ramp(0, 320), -ramp(0, 320)), axis=1).ravel()
    second = Decoder(Opening("mic", 16_000, 2), 2).blocks(bytearray(packet(both, 1.0)))[0]
    mixed = Decoder(Opening("mic", 16_000, 2), 0).blocks(bytearray(packet(both, 1.0)))[0]
    assert np.array_equal(second.samples, -ramp(0, 320) / np.float32(32_768))
    assert not mixed.samples.any()


def test_another_rate_is_resampled_and_keeps_the_time() -> None:
    seconds = np.arange(48_000) / 48_000
    tone = np.round(8_000 * np.sin(2 * np.pi * 440 * seconds))
    data = b"".join(
        packet(tone[n : n + 4_800], 1.0 + (n + 4_800) / 48_000) for n in range(0, 48_000, 4_800)
    )
    blocks = Decoder(Opening("mic", 48_000, 1), 0).blocks(bytearray(data))
    got = np.concatenate([block.samples for block in blocks])
    wanted = 8_000 / 32_768 * np.sin(2 * np.pi * 440 * np.arange(len(got)) / 16_000)
    assert len(got) > 15_500
    assert np.abs(got - wanted)[500:-500].max() < 1e-3
    assert blocks[0].time == pytest.approx(1.0, abs=1e-3)
    assert blocks[-1].time + len(blocks[-1].samples) / 16_000 < 2.0


def test_lost_sound_is_counted_and_a_long_gap_is_told() -> None:
    decoder = Decoder(Opening("mic", 16_000, 1), 0)
    first, short, long = decoder.blocks(
        bytearray(
            packet(ramp(0, 320), 1.0)
            + packet(ramp(320, 320), 1.12, lost=True)
            + packet(ramp(640, 320), 9.0, lost=True)
        )
    )
    assert (first.lost, first.after_gap) == (0, False)
    assert short.lost == pytest.approx(1_600, abs=10) and not short.after_gap
    assert long.lost == pytest.approx(7.86 * 16_000, rel=0.01) and long.after_gap
    assert long.time == pytest.approx(8.98, abs=0.01)


def test_each_loss_is_counted_for_itself_and_moves_the_time() -> None:
    decoder, now, found = Decoder(Opening("mic", 16_000, 1), 0), 0.0, []
    for second in range(3 * 600):
        lost = second > 0 and second % 600 == 0
        now += 1.4 if lost else 1.0
        found += decoder.blocks(bytearray(packet(np.ones(16_000), now, lost)))
    assert [block.lost for block in found if block.lost] == pytest.approx([6_400] * 2, abs=1)
    assert found[-1].time == pytest.approx(now - 1.0, abs=0.01)


def test_what_was_heard_before_a_failure_is_not_lost() -> None:
    data = bytearray(packet(ramp(0, 320), 1.0) + HEADER.pack(FAILURE, 0, 4, 1.0) + b"gone")
    decoder = Decoder(Opening("mic", 16_000, 1), 0)
    assert len(decoder.blocks(data)) == 1
    with pytest.raises(StreamEndedError, match="gone"):
        decoder.blocks(data)


@pytest.mark.parametrize(
    ("samples", "zeros", "clipped"),
    [
        (np.zeros(100), True, 0.0),
        (np.full(100, 5), False, 0.0),
        (np.full(100, -32_768), False, 1.0),
    ],
)
def test_what_a_block_says_of_its_device(samples: np.ndarray, zeros: bool, clipped: float) -> None:
    found = heard(samples.astype(np.int16))
    assert (found.zeros_only, found.clipped_share) == (zeros, clipped)


@pytest.mark.parametrize(
    ("channel", "zeros", "clipped"), [(0, False, 0.5), (1, True, 0.0), (2, False, 1.0)]
)
def test_a_channel_that_is_not_listened_to_says_nothing_of_the_source(
    channel: int, zeros: bool, clipped: float
) -> None:
    """The first is dead, the second overdriven."""
    both = np.stack((np.zeros(320), np.full(320, 32_767)), axis=1).ravel()
    (block,) = Decoder(Opening("mic", 16_000, 2), channel).blocks(bytearray(packet(both, 1.0)))
    assert (block.heard.zeros_only, block.heard.clipped_share) == (zeros, clipped)


def process(program: str) -> CaptureStream:
    command = [sys.executable, "-c", "import sys, time\nout = sys.stdout.buffer\n" + program]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return CaptureStream(started, PACKET, 0)


def ending(stream: CaptureStream) -> str:
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        try:
            stream.take()
        except StreamEndedError as error:
            return str(error)
        time.sleep(0.01)
    raise AssertionError("it did not end")


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ('out.write(b\'{"error": "no such microphone"}\\n\')', "no such microphone"),
        ("sys.exit(4)", "with status 4 before it opened"),
        ("out.write(b'no JSON\\n')", "capture process"),
        ('out.write(b\'{"name": "m", "rate": 16000, "channels": 1}\\n\'); sys.exit(3)', "3"),
    ],
)
def test_a_capture_process_that_fails_ends_the_stream_with_its_reason(
    program: str, reason: str
) -> None:
    stream = process(program)
    assert reason in ending(stream)
    stream.close()


def test_a_stuck_capture_process_is_ended_for_certain() -> None:
    stream = process("import signal; signal.signal(15, signal.SIG_IGN); time.sleep(600)")
    began = time.monotonic()
    assert stream.take() == []
    stream.close()
    assert time.monotonic() - began < 1.0
    assert stream._process.returncode is not None
