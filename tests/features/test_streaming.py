"""However a stream is cut, its frames have the bits of those computed at once."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import noise

from moodwire.features import (
    DEFAULT_SPEC,
    FeatureWindow,
    Frontend,
    FrontendSpec,
    MelStream,
    frames,
    warp_matrix,
    window_features,
)
from moodwire.features.scratch import IN_PLACE_FFT

SPECS = [
    DEFAULT_SPEC,
    FrontendSpec(kind="logmel", mel_scale="slaney", mel_bands=64, hop_length=160, coefficients=13),
    FrontendSpec(frame_length=400, hop_length=160, mel_bands=23, coefficients=13),
    FrontendSpec(frame_length=1024, fft_length=1024, hop_length=1024, mel_bands=128),
    FrontendSpec(frame_length=300, fft_length=300, hop_length=77),
]
SOUND = noise(1.5) * np.linspace(0.001, 1.0, 24_000, dtype=np.float32)


def pushed(stream, samples, cuts):
    return np.concatenate([stream.push(part) for part in np.split(samples, sorted(cuts))])


def same_bits(first, second):
    return first.dtype == second.dtype == np.float32 and first.tobytes() == second.tobytes()


@settings(max_examples=60, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    cuts=st.lists(st.integers(0, len(SOUND)), max_size=40),
    before=st.integers(0, 5_000),
)
def test_any_cut_and_a_reset_before_it_give_the_bits_of_the_whole(spec, cuts, before):
    frontend = Frontend(spec)
    frontend.push(SOUND[:before] + 1.0)
    frontend.reset()
    assert same_bits(pushed(frontend, SOUND, cuts), frames(spec, SOUND))


@pytest.mark.parametrize("step", [1, 255, 256, 257, 4_000, 4_096])
def test_steady_cuts_give_the_bits_of_the_whole(step):
    cuts = range(step, len(SOUND), step)
    for stream in (Frontend(DEFAULT_SPEC), MelStream(DEFAULT_SPEC)):
        assert same_bits(pushed(stream, SOUND, cuts), type(stream)(DEFAULT_SPEC).push(SOUND))


def test_a_later_start_gives_the_same_frames():
    # the same sound in another row of its group and of the batch: only rounding may differ
    hop = DEFAULT_SPEC.hop_length
    whole, later = frames(DEFAULT_SPEC, SOUND), frames(DEFAULT_SPEC, SOUND[3 * hop :])
    assert np.allclose(whole[3:], later, atol=1e-4)


def test_as_many_frames_as_fit_and_none_before_the_first_is_full():
    frontend = Frontend(DEFAULT_SPEC)
    assert frontend.push(SOUND[:511]).shape == (0, 40)
    assert frontend.push(SOUND[511:512]).shape == (1, 40)
    assert frontend.push(SOUND[512:512]).shape == (0, 40)
    assert len(frames(DEFAULT_SPEC, SOUND)) == (len(SOUND) - 512) // 256 + 1


def test_one_channel_only():
    with pytest.raises(ValueError, match="2 dimensions; one channel is needed"):
        Frontend(DEFAULT_SPEC).push(np.zeros((100, 2)))


def test_a_result_is_the_callers_to_keep():
    stream = MelStream(DEFAULT_SPEC)
    first = stream.push(SOUND[:8_000])
    kept = first.copy()
    stream.push(SOUND[8_000:])
    assert same_bits(first, kept)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 90_000), max_size=60))
def test_a_window_that_grew_has_the_bits_of_one_of_a_batch(cuts):
    sound = np.tile(SOUND, 4)
    stream, window = MelStream(DEFAULT_SPEC), FeatureWindow(DEFAULT_SPEC)
    for part in np.split(sound, sorted(cuts)):
        window.append(stream.push(part))
    newest = MelStream(DEFAULT_SPEC).push(sound)[-DEFAULT_SPEC.window_frames :]
    assert same_bits(window.logmel, newest)
    batch = window_features(DEFAULT_SPEC, np.stack([newest + 1.0, newest])[None])
    assert batch.shape == (1, 2, 184, 40)
    assert same_bits(window.features(), batch[0, 1])
    warp = warp_matrix(DEFAULT_SPEC, 1.08)
    assert same_bits(window.features(warp), window_features(DEFAULT_SPEC, newest @ warp))


def test_a_window_is_refused_until_it_is_full():
    window = FeatureWindow(DEFAULT_SPEC)
    window.append(MelStream(DEFAULT_SPEC).push(SOUND))
    with pytest.raises(ValueError, match="the window holds 92 of 184 frames"):
        window.features()


def test_the_normalised_window_does_not_know_how_loud_it_was():
    logmel = MelStream(DEFAULT_SPEC).push(np.tile(SOUND, 3))[:184]
    quieter = logmel - np.float32(np.log(100.0))  # 20 dB
    loud, quiet = (window_features(DEFAULT_SPEC, picture) for picture in (logmel, quieter))
    assert np.allclose(loud, quiet, atol=1e-3)
    picture = window_features(FrontendSpec(kind="logmel"), logmel)
    assert abs(picture.mean()) < 1e-4 and 0.8 < picture.std() < 1.0


def test_steady_pushing_allocates_its_output_and_nothing_that_stays():
    frontend, window = Frontend(DEFAULT_SPEC), FeatureWindow(DEFAULT_SPEC)
    stream = MelStream(DEFAULT_SPEC)
    part = SOUND[:4_000]
    output = 17 * 40 * 4

    def hop():
        frontend.push(part)
        window.append(stream.push(part))

    for _ in range(60):  # all alignments were met, the window is full
        hop()
    tracemalloc.start()
    try:
        hop()
        begun, _ = tracemalloc.get_traced_memory()
        for _ in range(50):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            hop()
            if IN_PLACE_FFT:
                assert tracemalloc.get_traced_memory()[1] - before < output + 4_000
        assert tracemalloc.get_traced_memory()[0] - begun < 2_000
    finally:
        tracemalloc.stop()
