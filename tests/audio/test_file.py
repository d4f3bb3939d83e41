"""Files of every kind are streamed; bad ones end with one clear sentence."""

import resource
import subprocess
import sys
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from sounds import noise, sine, wav_header

from moodwire.audio.file import FileSource
from moodwire.audio.source import SourceError, chunks


def heard(path, **options):
    source = FileSource(path, **options)
    found = list(chunks(source))
    assert source.finished
    assert source.read(0.0) is None
    for before, after in pairwise(found):
        assert after.position == before.position + len(before.samples)
        assert after.time == pytest.approx(before.end)
    return np.concatenate([chunk.samples for chunk in found]) if found else np.empty(0, np.float32)


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        ("wav", "PCM_16", 1e-4), ("wav", "PCM_24", 1e-6), ("wav", "FLOAT", 0.0),
        ("flac", "PCM_16", 1e-4), ("ogg", "VORBIS", 0.1), ("ogg", "OPUS", 0.1),
        ("mp3", "MPEG_LAYER_III", 0.1), ("aiff", "PCM_16", 1e-4),
    ],
)  # fmt: skip
def test_formats(tmp_path, suffix, subtype, tolerance):
    path = tmp_path / f"sound.{suffix}"
    played = sine(440.0, 1.0)
    soundfile.write(path, played, 16_000, subtype=subtype)
    samples = heard(path)
    assert samples.dtype == np.float32
    assert 0 <= len(samples) - len(played) < 3_000  # lossy formats pad
    if tolerance < 0.01:
        assert np.abs(samples - played).max() <= tolerance
    else:
        middle = samples[4_000:12_000]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
        assert np.argmax(spectrum) / len(middle) * 16_000 == pytest.approx(440.0, abs=2.0)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
def test_any_rate_arrives_at_16_khz(tmp_path, rate):
    path = tmp_path / "sound.wav"
    soundfile.write(path, sine(440.0, 1.0, rate), rate, subtype="FLOAT")
    samples = heard(path)
    assert len(samples) == 16_000
    assert np.abs(samples - sine(440.0, 1.0))[2_000:-2_000].max() < 1e-3


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "opus", "flac"])
def test_reading_in_blocks_gives_what_reading_at_once_does(tmp_path, suffix):
    path = tmp_path / f"sound.{suffix}"
    subtype = "OPUS" if suffix == "opus" else None
    format_ = "OGG" if suffix == "opus" else None
    soundfile.write(path, noise(2.0), 16_000, subtype=subtype, format=format_)
    whole, _ = soundfile.read(path, dtype="float32")
    assert np.abs(heard(path, block_seconds=0.03) - whole).max() < 1e-6


def test_channels_are_mixed_or_chosen(tmp_path):
    path = tmp_path / "three.wav"
    channels = np.stack([np.full(100, level, np.float32) for level in (0.1, 0.2, 0.6)], axis=1)
    soundfile.write(path, channels, 16_000, subtype="FLOAT")
    assert heard(path)[0] == pytest.approx(0.3)
    assert heard(path, channel=3)[0] == pytest.approx(0.6)
    with pytest.raises(SourceError, match=r"channel is 4; allowed: 0 \(mixes all\) to 3"):
        FileSource(path, channel=4)


def test_what_no_hardware_would_say_is_tamed(tmp_path):
    path = tmp_path / "wild.wav"
    wild = np.array([0.5, np.nan, np.inf, -np.inf, 7.0, -1e30, 1e-40], dtype=np.float32)
    soundfile.write(path, wild, 16_000, subtype="FLOAT")
    assert heard(path) == pytest.approx([0.5, 0.0, 1.0, -1.0, 1.0, -1.0, 0.0])


def test_a_clip_shorter_than_a_frame_and_one_without_samples(tmp_path):
    path = tmp_path / "short.wav"
    soundfile.write(path, noise(0.01), 16_000)
    assert len(heard(path)) == 160
    soundfile.write(path, noise(0.0), 16_000)
    assert len(heard(path)) == 0


def test_a_truncated_wav_gives_what_is_there(tmp_path):
    path = tmp_path / "cut.wav"
    soundfile.write(path, noise(1.0), 16_000)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 5_000 + 1])
    assert len(heard(path)) == 5_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; name a sound file"),
        (b"This is no sound, it is a text.\n" * 50, "is no sound file that can be read"),
        (wav_header(channels=0, data=1_000) + bytes(1_000), "is no sound file that can be read"),
        (
            wav_header(rate=1, data=1_000) + bytes(1_000),
            "sample rate is 1 Hz; allowed: 4000 to 384000 Hz",
        ),
        (wav_header(data=1_000)[:30], "is no sound file that can be read"),
    ],
)
def test_what_is_no_sound_is_refused_in_one_sentence(tmp_path, content, message):
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        list(chunks(FileSource(path)))
    assert str(path) in str(caught.value) and message in str(caught.value)


def test_a_folder_and_nothing_at_all_are_refused(tmp_path):
    with pytest.raises(SourceError, match="is a directory; name a sound file"):
        FileSource(tmp_path)
    with pytest.raises(SourceError, match="No such file or directory"):
        FileSource(tmp_path / "nothing.wav")


def test_three_gigabytes_are_streamed_not_loaded(tmp_path):
    path = tmp_path / "huge.wav"
    length = 3 * 1024**3
    with path.open("wb") as file:
        file.write(wav_header(data=length - 44))
        file.truncate(length)  # sparse: takes no room
    source = FileSource(path)
    tracemalloc.start()
    try:
        for _, chunk in zip(range(3_000), chunks(source), strict=False):
            assert len(chunk.samples) == 1_600
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
        source.close()


def test_a_damaged_compressed_file_ends_without_a_traceback(tmp_path):
    path = tmp_path / "sound.flac"
    soundfile.write(path, noise(3.0), 16_000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 400] = bytes(400)
    path.write_bytes(content)
    try:
        assert len(heard(path)) > 10_000
    except SourceError as error:
        assert "damaged after" in str(error)


def test_no_file_stays_open(tmp_path):
    code = (
        "import sys\nfrom moodwire.audio.file import FileSource\n"
        "from moodwire.audio.source import SourceError, chunks\n"
        "for _ in range(200):\n"
        "    for path in sys.argv[1:]:\n"
        "        try:\n            list(chunks(FileSource(path)))\n"
        "        except SourceError:\n            pass\n"
    )
    good, bad = tmp_path / "good.wav", tmp_path / "bad.wav"
    soundfile.write(good, noise(0.1), 16_000)
    bad.write_bytes(wav_header(rate=1, data=1_000) + bytes(1_000))
    subprocess.run(
        [sys.executable, "-c", code, good, bad], check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    )  # fmt: skip
