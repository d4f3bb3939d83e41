"""Commands on a real audio server: they hear it, say so, and say when it goes away."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile
import tones
from pulse import PulseServer

pytestmark = pytest.mark.pulse

MOODWIRE = [sys.executable, "-m", "moodwire"]


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(pulse: PulseServer) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*MOODWIRE, *arguments],
            env={**pulse.env, "MOODWIRE_CONFIG": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[str], wanted: str) -> None:
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith(wanted):
            return
    pytest.fail(f"{wanted!r} never came; {seen[-5:]}; {process.communicate()[1]}")


def test_listen_hears_a_voice_and_says_when_the_microphone_goes_away(
    pulse: PulseServer, start: Start, tmp_path: Path
) -> None:
    listening = start("listen", "--plain", "--model", str(tones.BUNDLE))
    wait_for(listening, "moodwire/moodwire/source starting")
    voice = tmp_path / "voice.wav"
    subprocess.run([*MOODWIRE, "sample", str(voice)], check=True)
    samples, rate = soundfile.read(voice, dtype="float32")
    assert rate == 16_000
    pulse.play(samples[: 6 * rate])
    wait_for(listening, "moodwire/moodwire/speech ON")
    pulse.stop()
    _, errors = listening.communicate(timeout=120)
    assert listening.returncode == 5
    assert "the microphone went away" in errors


def test_the_meter_says_so_too(pulse: PulseServer, start: Start) -> None:
    meter = start("meter", "--device", "vmic")
    wait_for(meter, "level")
    pulse.stop()
    _, errors = meter.communicate(timeout=120)
    assert meter.returncode == 5
    assert errors.startswith("vmic, 16000 Hz\n")
    assert "vmic: the microphone went away" in errors


def test_doctor_listens(start: Start) -> None:
    told, _ = start("doctor", "--json").communicate(timeout=120)
    findings = {found["name"]: found for found in json.loads(told)["stages"]["Microphone"]}
    assert findings["listening"]["seen"] == "3.0 s of sound, not kept"
    assert "digital silence" in findings["level"]["seen"]
