"""`moodwire listen` on a real audio server: hears it, says so, and says when it goes away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
import tones
from pulse import PulseServer

pytestmark = pytest.mark.pulse

MOODWIRE = [sys.executable, "-c", "from moodwire.cli import main; main(prog_name='moodwire')"]


@pytest.fixture
def listening(pulse: PulseServer) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*MOODWIRE, "listen", "--plain", "--model", str(tones.BUNDLE)],
        env={**pulse.env, "MOODWIRE_CONFIG": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
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


def test_it_hears_a_voice_and_says_when_the_microphone_goes_away(
    pulse: PulseServer, listening: subprocess.Popen[str], tmp_path: Path
) -> None:
    wait_for(listening, "moodwire/moodwire/mood quiet")
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
