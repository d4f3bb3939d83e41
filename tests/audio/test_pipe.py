"""Sound through a pipe: WAV or raw, however it trickles in."""

import io
import os
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import noise, sine

from moodwire.audio import pipe as audio_pipe
from moodwire.audio.pipe import Pipe, PipeSource
from moodwire.audio.source import SourceError, chunks
from moodwire.audio.wav import RawFormat


@contextmanager
def pipe(content, cuts=()):
    """A descriptor from which the content comes, written in pieces."""
    reading, writing = os.pipe()

    def write():
        try:
            for begin, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
                part = content[begin:end]
                while part:
                    part = part[os.write(writing, part) :]
        except BrokenPipeError:
            pass
        finally:
            os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield reading
    finally:
        os.close(reading)
        writer.join()


def heard(content, cuts=(), raw=None, **options):
    with pipe(content, cuts) as descriptor:
        source = PipeSource(Pipe(descriptor, raw=raw), **options)
        found = [chunk.samples for chunk in chunks(source)]
        assert source.finished
    return np.concatenate(found) if found else np.empty(0, np.float32)


def wav(samples, rate=16_000, subtype="PCM_16"):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return file.getvalue()


def pcm(samples):
    return (np.round(samples * 32_768)).astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("subtype", "tolerance"),
    [("PCM_U8", 0.01), ("PCM_16", 1e-4), ("PCM_24", 1e-6), ("PCM_32", 1e-6), ("FLOAT", 0),
     ("DOUBLE", 1e-7)],
)  # fmt: skip
def test_a_wav_stream_says_itself_what_it_is(subtype, tolerance):
    stereo = np.stack([sine(440.0, 0.5, 8_000), np.zeros(4_000, np.float32)], axis=1)
    samples = heard(wav(stereo, 8_000, subtype), channel=1)
    assert len(samples) == 8_000
    expected = sine(440.0, 0.5)
    assert np.abs(samples - expected)[1_000:-1_000].max() <= max(tolerance, 1e-3)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_pieces_of_any_size_give_the_bits_of_the_whole(data):
    content = wav(noise(0.3, 44_100), 44_100)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=20)))
    assert heard(content, cuts).tobytes() == heard(content).tobytes()


def test_raw_samples_are_taken_as_told():
    sound = noise(0.5)
    assert np.abs(heard(pcm(sound)) - sound).max() < 1e-4
    raw = RawFormat(rate=48_000, channels=2, sample="f32")
    stereo = np.repeat(sine(440.0, 0.5, 48_000)[:, None], 2, axis=1)
    assert len(heard(stereo.astype("<f4").tobytes(), raw=raw)) == 8_000


def test_a_length_that_a_streaming_writer_never_knew():
    content = bytearray(wav(noise(0.5)))
    content[40:44] = b"\xff\xff\xff\xff"
    assert len(heard(bytes(content))) == 8_000


def test_what_follows_the_sound_is_not_heard():
    assert len(heard(wav(noise(0.5)) + b"LIST" + bytes(5_000))) == 8_000


def test_time_counts_from_the_beginning_of_the_recording():
    with pipe(wav(noise(0.5, 44_100), 44_100)) as descriptor:
        found = list(chunks(PipeSource(Pipe(descriptor))))
    ends = [0.0, *(chunk.end for chunk in found)]
    assert [chunk.time for chunk in found] == pytest.approx(ends[:-1])
    assert ends[-1] == pytest.approx(0.5)


def test_half_a_sample_at_the_end_is_left_out():
    assert len(heard(pcm(noise(0.1))[:-1])) == 1_599


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "nothing came; pipe a WAV stream or raw samples"),
        (b"fLaC" + bytes(500), "this is FLAC; a pipe carries WAV or raw PCM"),
        (b"RIFF\x00\x00\x00\x00AVI " + bytes(100), "begins like a WAV stream but is none"),
        (wav(noise(0.1))[:10], "the WAV stream ended inside its header"),
        (wav(noise(0.1))[:40], "the WAV stream ended inside its header"),
        (wav(noise(0.1))[:16] + b"\x04\x00\x00\x00" + bytes(4), "header's format is cut short"),
        (wav(noise(0.1))[:36] + b"LIST\x00\x00\x20\x00", "the WAV header claims 2097196 bytes"),
        (wav(noise(0.1))[:36] + b"junk\x00\x00\x00\x00" * 140_000, "it is damaged"),
        (wav(noise(0.1), subtype="ULAW"), "WAV encoding 7 with 8 bits; a pipe carries PCM"),
        (wav(noise(0.1)).replace(b"\x01\x00\x01\x00", b"\x01\x00\x00\x00", 1), "says 0 channels"),
        (wav(noise(0.1), 1), "sample rate is 1 Hz; allowed: 4000 to 384000 Hz"),
    ],
)
def test_what_is_no_sound_is_refused_in_one_sentence(content, message):
    with pytest.raises(SourceError) as caught:
        heard(content)
    assert message in str(caught.value)


def test_a_pipe_that_is_slow_lets_the_reader_go_after_its_timeout():
    reading, writing = os.pipe()
    source = PipeSource(Pipe(reading))
    begun = time.monotonic()
    assert source.read(0.05) is None
    assert 0.04 < time.monotonic() - begun < 5.0
    assert not source.finished
    os.write(writing, pcm(noise(0.2)))
    assert len(source.read(5.0).samples) == 1_600
    os.close(writing)
    assert len(source.read(5.0).samples) == 1_600
    assert source.read(5.0) is None and source.finished
    os.close(reading)


@pytest.fixture
def ends():
    """Of a pipe: to read from, to write to."""
    both = os.pipe()
    yield both
    for end in both:
        os.close(end)


def test_a_writer_that_stalls_in_the_header_lets_the_reader_go(ends):
    content = wav(noise(0.2))
    source = PipeSource(Pipe(ends[0]))
    for byte in range(44):  # of the header
        os.write(ends[1], content[byte : byte + 1])
        assert source.read(0.0) is None
    os.write(ends[1], content[44:])
    assert source.read(5.0).samples.tobytes() == heard(content)[:1_600].tobytes()


def test_a_header_that_is_never_whole_is_given_up(ends, monkeypatch):
    monkeypatch.setattr(audio_pipe, "HEADER_SECONDS", 0.1)
    os.write(ends[1], wav(noise(0.2))[:40])
    source = PipeSource(Pipe(ends[0]))
    with pytest.raises(SourceError, match=r"the WAV header was not whole within 0\.1 s"):
        source.read(60.0)
    assert source.finished


def test_what_came_unheard_and_is_no_sound_is_told_to_who_reads(ends):
    os.write(ends[1], b"fLaC" + bytes(500))
    waiting = Pipe(ends[0])
    waiting.skip_waiting()
    with pytest.raises(SourceError, match="this is FLAC"):
        PipeSource(waiting).read(0.0)
