"""The capture process: opens one microphone and writes what it hears to its standard output.

PortAudio may hang for ever in opening, reading or closing when the audio server does, and it sees
a changed set of devices only when it is initialised anew. Here each opening is a process: ending it
closes the device for certain, and starting it looks for devices again. It reads instead of being
called back, a hop at a time: four wake-ups a second, no foreign thread in Python, and no
executable memory (which systemd's MemoryDenyWriteExecute forbids). It loads no numpy.

Its argument is what to open, as JSON (`Order`). On standard output: one line of JSON (`Opening`,
or {"error": ...}), then packets: HEADER and payload. On standard input, one line with the number
of samples of MODEL_RATE to hand on at once; nothing is read from the microphone before. The process
ends when its standard input does, so it cannot outlive who started it.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
import time
from dataclasses import asdict, dataclass
from itertools import count
from queue import SimpleQueue
from typing import Any, Final

from moodwire.audio.devices import (
    MODEL_RATE,
    channels_to_open,
    find,
    input_devices,
    portaudio,
    rate_to_open,
)
from moodwire.audio.errors import SourceError
from moodwire.audio.memory import release_startup_code

HEADER: Final = struct.Struct("<BBxxId")
"""Kind, whether sound was lost before this packet, bytes of payload, monotonic time of its end."""

SAMPLES, FAILURE = 0, 1
"""Kinds of packet: interleaved 16-bit samples; or why the stream ended, as text."""

RESAMPLING_SECONDS: Final = 0.02
"""By which a resampler's output lags: heard in advance, so that hops end with the packets."""

LATENCY_SECONDS: Final = 0.5
"""Sound that the driver may hold for us while we are busy."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to open."""

    device: str
    channel: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What was opened."""

    name: str
    rate: int
    channels: int


def main() -> None:
    order = Order(**json.loads(sys.argv[1]))
    wanted: SimpleQueue[int] = SimpleQueue()
    threading.Thread(target=_obey, args=(wanted,), daemon=True).start()
    out = os.dup(1)
    if "MOODWIRE_ALSA_MESSAGES" not in os.environ:
        _silence()
    try:
        opening, stream = _open(order)
        os.write(out, json.dumps(asdict(opening)).encode() + b"\n")
        _copy(stream, opening, wanted.get(), out)
    except BrokenPipeError:
        os._exit(0)
    except SourceError as error:
        os.write(out, json.dumps({"error": str(error)}).encode() + b"\n")
    except portaudio().PortAudioError as error:
        write_packet(out, FAILURE, False, str(error).encode(), time.monotonic())
    os._exit(1)  # closing the stream in order might hang


def _open(order: Order) -> tuple[Opening, Any]:
    device = find(input_devices(), order.device)
    if order.channel > device.channels:
        raise SourceError(
            f"microphone.channel is {order.channel}, but {device.name!r} has {device.channels}; "
            "0 mixes all"
        )
    sounddevice = portaudio()
    channels = channels_to_open(device, order.channel)
    rate = rate_to_open(device, channels)
    try:
        stream = sounddevice.RawInputStream(
            device=device.index, samplerate=rate, channels=channels, dtype="int16",
            latency=LATENCY_SECONDS,
        )  # fmt: skip
    except sounddevice.PortAudioError as error:
        raise SourceError(
            f"microphone {device.name!r} cannot be opened at {rate} Hz with {channels} channels: "
            f"{error}. Is it in use? See: moodwire devices"
        ) from error
    return Opening(device.name, rate, channels), stream


def _copy(stream: Any, opening: Opening, packet: int, out: int) -> None:
    per_sample = opening.rate / MODEL_RATE
    ahead = 0.0 if opening.rate == MODEL_RATE else RESAMPLING_SECONDS * opening.rate
    stream.start()
    frames = round(packet * per_sample + ahead)
    for number in count():
        samples, overflowed = stream.read(frames)
        write_packet(out, SAMPLES, overflowed, bytes(samples), time.monotonic())
        frames = round(packet * per_sample)
        if number == 0:
            release_startup_code()


def write_packet(out: int, kind: int, lost: bool, payload: bytes, ended: float) -> None:
    packet = memoryview(HEADER.pack(kind, lost, len(payload), ended) + payload)
    while packet:  # more than a pipe takes at once is written in pieces
        packet = packet[os.write(out, packet) :]


def _obey(wanted: SimpleQueue[int]) -> None:
    """A thread of its own: the main one may hang in PortAudio when it is time to end."""
    if line := sys.stdin.buffer.readline():
        wanted.put(int(line))
        while sys.stdin.buffer.read(1):
            pass
    os._exit(0)


def _silence() -> None:
    """ALSA and JACK tell of every plug-in that they cannot load, at each opening, on stderr."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


if __name__ == "__main__":
    main()
