"""Resampling does not depend on how the stream is cut, and its quality is measured."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import noise, sine

from moodwire.audio.resample import Resampler
from moodwire.audio.source import SourceError

RATES = [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 44_056]


def resampled(samples, rate, cuts=()):
    resampler = Resampler(rate)
    parts = [resampler.push(part) for part in np.split(samples, sorted(cuts))]
    return np.concatenate([*parts, resampler.flush()])


def decibels(samples):
    """Of its sine, relative to full scale, without the ends that silence bleeds into."""
    middle = samples[2_000:-2_000].astype(np.float64)
    return 10 * np.log10(2 * np.mean(middle**2) + 1e-20)


@settings(max_examples=60, deadline=None)
@given(rate=st.sampled_from(RATES), cuts=st.lists(st.integers(0, 20_000), max_size=30))
def test_any_cut_gives_the_bits_of_the_whole(rate, cuts):
    sound = noise(20_000 / rate, rate)
    assert resampled(sound, rate, cuts).tobytes() == resampled(sound, rate).tobytes()


@pytest.mark.parametrize("rate", [16_000, *RATES])
def test_length_and_time_are_kept(rate):
    # a click at 0.25 s stays there, and no second gets longer
    click = np.zeros(rate, dtype=np.float32)
    click[rate // 4] = 1.0
    out = resampled(click, rate)
    assert len(out) == 16_000
    assert abs(int(np.argmax(np.abs(out))) - 4_000) <= 1


@pytest.mark.parametrize("rate", RATES)
def test_the_pass_band_ripples_less_than_a_tenth_of_a_decibel(rate):
    top = 0.95 * min(rate, 16_000) / 2
    gains = [
        decibels(resampled(sine(hertz, 1.0, rate, amplitude=1.0), rate))
        for hertz in np.linspace(40.0, top, 25)
    ]
    assert max(gains) - min(gains) < 0.1
    assert abs(np.mean(gains)) < 0.1


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate > 16_000])
def test_what_would_fold_back_is_80_db_down(rate):
    for hertz in [*np.linspace(8_005.0, rate / 2 * 0.999, 30), rate - 16_000.0 + 5.0]:
        if 8_005.0 <= hertz < rate / 2:
            folded = resampled(sine(hertz, 1.0, rate, amplitude=1.0), rate)
            assert decibels(folded) < -80.0, f"{hertz:.0f} Hz"


@pytest.mark.parametrize("rate", [8_000, 11_025])
def test_images_above_a_low_rate_are_80_db_down(rate):
    for hertz in np.linspace(50.0, 0.9 * rate / 2, 10):
        out = resampled(sine(hertz, 1.0, rate, amplitude=1.0), rate)[2_000:-2_000]
        window = np.blackman(len(out))
        spectrum = np.abs(np.fft.rfft(out * window)) ** 2
        bins = np.fft.rfftfreq(len(out), 1 / 16_000)
        images = spectrum[bins > rate / 2].max() / spectrum.max()
        assert 10 * np.log10(images) < -80.0


def test_a_resampler_starts_anew_after_reset_and_flush():
    sound = noise(0.3, 44_100)
    resampler = Resampler(44_100)
    first = np.concatenate([resampler.push(sound), resampler.flush()])
    resampler.push(sound[:5_000])
    resampler.reset()
    again = np.concatenate([resampler.push(sound), resampler.flush()])
    assert first.tobytes() == again.tobytes()


def test_the_model_s_own_rate_passes_untouched():
    sound = noise(0.1)
    assert Resampler(16_000).push(sound) is sound


@pytest.mark.parametrize("rate", [0, 1, 3_999, 400_000])
def test_an_absurd_rate_is_refused(rate):
    with pytest.raises(SourceError, match=rf"sample rate is {rate} Hz; allowed: 4000 to 384000 Hz"):
        Resampler(rate)
