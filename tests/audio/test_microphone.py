"""The microphone through a real audio server. A process each: PortAudio looks around but once."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sounds import noise

pytestmark = pytest.mark.pulse

LISTEN = """
import json, sys, time
from moodwire.audio.microphone import MicrophoneSource
name, rate, seconds, file = sys.argv[1:]
source = MicrophoneSource(name, rate=int(rate) or None, patience=2)
chunk = source.read(10.0)
print("listening", flush=True)
heard, positions, times, gaps = [], [], [], 0
while chunk is not None:
    heard.append(chunk.samples); positions.append(chunk.position); times.append(chunk.time)
    gaps += chunk.after_gap
    if sum(map(len, heard)) >= float(seconds) * 16000:
        break
    chunk = source.read(1.0)
late = time.monotonic() - (times[-1] if times else 0)
report = dict(rate=source.native_rate, positions=positions, times=times, late=late,
              gaps=gaps, stands_still=chunk is None, finished=source.finished,
              closed=source.close(), again=source.close())
import numpy as np
np.save(file, np.concatenate(heard) if heard else np.empty(0))
print(json.dumps(report), flush=True)
"""


def start(pulse, tmp_path, *, name="vmic", rate=0, seconds=2.5):
    command = [sys.executable, "-c", LISTEN, name, str(rate), str(seconds), tmp_path / "heard.npy"]
    process = subprocess.Popen(command, env=pulse.env, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "listening\n"
    return process


def finish(process, tmp_path):
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return json.loads(out), np.load(tmp_path / "heard.npy")


def find(needle, hay):
    """Where a stretch of samples was heard best, and how different it is there."""
    length = 1 << (len(needle) + len(hay)).bit_length()
    spectra = np.fft.rfft(hay, length) * np.conj(np.fft.rfft(needle, length))
    at = int(np.argmax(np.fft.irfft(spectra, length)[: len(hay) - len(needle)]))
    return at, hay[at : at + len(needle)] - needle


def played():
    return (np.round(noise(1.0) * 32768) / 32768).astype(np.float32)


def test_what_is_played_is_heard_bit_for_bit(pulse, tmp_path):
    process = start(pulse, tmp_path, rate=16_000)
    pulse.play(played())
    report, heard = finish(process, tmp_path)
    _, difference = find(played(), heard)
    assert not difference.any()
    assert report["positions"] == np.cumsum([0] + [1600] * (len(report["positions"]) - 1)).tolist()
    assert (np.diff(report["times"]) > 0).all()
    assert 0 < report["late"] < 1.0  # seconds on the monotonic clock since the last chunk began
    assert (report["gaps"], report["finished"], report["closed"]) == (0, False, True)


def test_another_rate_is_resampled_while_listening(pulse, tmp_path):
    process = start(pulse, tmp_path, rate=48_000)
    pulse.play(played())
    report, heard = finish(process, tmp_path)
    _, difference = find(played()[4000:-4000], heard)
    assert report["rate"] == 48_000
    # white noise loses the band next to 8 kHz on its way up and down again
    assert np.sqrt(np.mean(difference**2)) < 0.3 * np.sqrt(np.mean(played() ** 2))


def test_a_server_that_dies_finishes_the_source(pulse, tmp_path):
    process = start(pulse, tmp_path, rate=16_000, seconds=3600)
    pulse.stop()
    report, _ = finish(process, tmp_path)
    assert report["finished"] and report["closed"]


@pytest.mark.parametrize("fault", ["suspend", "freeze"])
def test_a_stream_that_stands_still_brings_nothing_and_is_not_finished(pulse, tmp_path, fault):
    process = start(pulse, tmp_path, rate=16_000, seconds=3600)
    getattr(pulse, fault)()
    report, _ = finish(process, tmp_path)
    assert report["stands_still"] and not report["finished"]
    assert report["closed"] is (fault == "suspend")  # a frozen server hangs close(), but not us
    assert report["again"] is True


def test_an_unknown_name_tells_what_there_is(pulse, tmp_path):
    code = "from moodwire.audio.microphone import MicrophoneSource as M\nM('Nobody')"
    process = subprocess.run(
        [sys.executable, "-c", code], env=pulse.env, capture_output=True, text=True, timeout=60
    )
    assert "SourceError: microphone 'Nobody' was not found; there are:" in process.stderr
    assert "'vmic'" in process.stderr
