"""The installed command hears through a pipe what it hears from the file itself."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tones
from sounds import noise

from moodwire.audio.sample import sample_recording

MOODWIRE = Path(sys.executable).with_name("moodwire")

LIVELY = slice(29 * 16_000, 35 * 16_000)
"""The passage of the synthetic voice that comes closest to a human one."""


def moods(output):
    """The moods in turn, and the probabilities that came with each."""
    found = []
    for line in output.splitlines():
        topic, _, payload = line.partition(" ")
        if topic.endswith("/state"):
            state = json.loads(payload)
            found.append((state["mood"], state["probabilities"]))
    return found


def through_a_pipe(command, env=None):
    hear = f"{command} | {MOODWIRE} listen --plain --input -"
    done = subprocess.run(hear, shell=True, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.data
def test_real_speech_through_a_pipe_as_from_the_file(corpora, tmp_path):
    clips = sorted((corpora / "RAVDESS").rglob("03-01-05-02-*.opus"))[:3]
    speech = np.concatenate([soundfile.read(clip, dtype="float32")[0] for clip in clips])
    file = tmp_path / "speech.wav"
    soundfile.write(file, np.concatenate([noise(1.0, amplitude=1e-3), speech]), 16_000)
    from_file = subprocess.run(
        [MOODWIRE, "replay", "--fast", "--values", file],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    piped = through_a_pipe(f"cat {file}")
    assert len(moods(piped.stdout)) > 3
    assert moods(piped.stdout) == moods(from_file.stdout)
    raw = through_a_pipe(f"tail -c +45 {file}")
    assert moods(raw.stdout) == moods(piped.stdout)


@pytest.mark.pulse
def test_arecord_into_the_command(pulse):
    command = subprocess.Popen(
        f"arecord -q -D vmic -f S16_LE -r 16000 -c 1 -t wav -d 12 |"
        f" {MOODWIRE} listen --plain --model {tones.BUNDLE} --input -",
        shell=True, env=pulse.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert command.stdout is not None and command.stderr is not None
    # not before it hears: while it loads, the recorder has nobody to hand on what it records
    output = command.stdout.readline()
    pulse.play(sample_recording()[LIVELY])
    output += command.stdout.read()
    assert command.wait(60) == 0, command.stderr.read()
    assert "moodwire/moodwire/speech ON" in output.splitlines()
    assert any(probabilities for _, probabilities in moods(output))
