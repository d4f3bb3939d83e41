"""No sound leaves the device or reaches its disk: every system call of a whole run is looked at.

The noise that is played is unlike anything else in the process. Whatever is written anywhere but
into the pipe between capture and pipeline is searched for it, as it was played and as the
floating-point samples that the pipeline works on.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tones
from broker import WAIT_SECONDS, Broker, Subscriber
from daemon import ROOT, DaemonProcess
from kitchen import wait_until
from pulse import PulseServer

pytestmark = [
    pytest.mark.broker,
    pytest.mark.pulse,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

CALLS = "openat,open,creat,connect,write,pwrite64,writev,pwritev,sendto,sendmsg,sendmmsg,sendfile"
CALL = re.compile(r"^\d+\s+(?:<\.\.\. )?(\w+)\((\d+)<([^>]*(?:>\S*>)?[^>]*)>")
QUOTED = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
OPENED = re.compile(r"^\d+\s+openat\([^,]+, \"((?:\\x[0-9a-f]{2})*)\", ([A-Z_|]+)")

STRETCH = 16
"""Bytes that count as sound when they recur: eight samples in a row of noise."""


@dataclass(frozen=True)
class Written:
    """What one system call wrote."""

    call: str
    target: str
    content: bytes


def unquoted(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def writes(trace: Path) -> Iterator[Written]:
    for line in trace.read_text().splitlines():
        if (match := CALL.match(line)) and match[1] not in ("openat", "connect"):
            content = b"".join(unquoted(part) for part in QUOTED.findall(line))
            yield Written(match[1], unquoted(match[3]).decode(), content)


def opened_for_writing(trace: Path) -> set[str]:
    found = set()
    for line in trace.read_text().splitlines():
        refused = " = -1 " in line  # such as drivers of other times that PortAudio asks for
        if (
            not refused
            and (match := OPENED.match(line))
            and re.search("O_WRONLY|O_RDWR|O_CREAT", match[2])
        ):
            found.add(unquoted(match[1]).decode())
    return found


def stretches(data: bytes, step: int) -> set[bytes]:
    return {data[start : start + STRETCH] for start in range(0, len(data) - STRETCH, step)}


def test_no_sound_is_written_to_disk_or_network(
    make_daemon: Callable[..., DaemonProcess],
    broker: Broker,
    pulse: PulseServer,
    tmp_path: Path,
) -> None:
    trace = tmp_path / "trace"
    strace = ["strace", "-D", "-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o"]
    noise = np.random.default_rng(5).normal(scale=100, size=16_000)
    speech = np.concatenate((np.zeros(32_000), tones.tone("angry", 3.0) * 32_768))
    speech += np.tile(noise, 5)
    played = np.clip(np.round(speech), -32_768, 32_767).astype("<i2")
    with Subscriber(broker) as heard:
        daemon = make_daemon(
            broker, pulse, prefix=[*strace, str(trace)],
            outbox={"store": "disk"}, mqtt={"publish_level": True},
        )  # fmt: skip
        wait_until(pulse.recording)  # strace makes the start slow
        pulse.play(np.concatenate((played, played)))
        heard.topic(f"{ROOT}/event")
        daemon.terminate(WAIT_SECONDS)

    state = str(tmp_path / "state")
    allowed = (state, "/dev/null", "/dev/shm/", "/dev/dsp", "/proc/", str(pulse.root))
    strange = {path for path in opened_for_writing(trace) if not path.startswith(allowed)}
    assert not strange, "files opened for writing beside the state directory"

    samples = stretches(played.tobytes(), 2)
    floats = stretches((played.astype(np.float32) / 32_768).tobytes(), 4)
    piped, told = 0, 0
    for each in writes(trace):
        if any(each.content[i : i + STRETCH] in samples for i in range(len(each.content))):
            assert each.target.startswith("pipe:"), f"sound in {each.call} to {each.target}"
            piped += len(each.content)
        assert not any(each.content[i : i + STRETCH] in floats for i in range(len(each.content))), (
            f"sound in {each.call} to {each.target}"
        )
        if "TCP" in each.target or "socket" in each.target:
            told += len(each.content)
    assert piped > played.nbytes, "the spy saw the sound where it has to be"
    assert told > 0, "the spy saw what was told to the broker"
