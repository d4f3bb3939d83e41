"""The gate's network says what its authors' own file says, whatever it is pushed in."""

from __future__ import annotations

import numpy as np
import pytest

from moodwire.audio.sample import sample_recording
from moodwire.speech.network import CHUNK, CONTEXT, SAMPLE_RATE, Network

EVERY = 15
AS_PUBLISHED = (
    0.013,
    0.003,
    0.002,
    0.002,
    0.002,
    1.0,
    1.0,
    0.999,
    1.0,
    1.0,
    0.999,
    1.0,
    1.0,
    1.0,
    1.0,
    1.0,
    1.0,
    1.0,
    1.0,
    0.283,
    0.021,
    0.01,
    0.006,
    1.0,
    1.0,
)
"""Of every fifteenth chunk of twelve seconds of the sample recording: `silero_vad_16k_op15.onnx`
of silero-vad 6.2.3, run by onnxruntime 1.31, each chunk after the last 64 samples before."""


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    """Silence, a voice, a pause, another voice; the context of the first chunk before them."""
    return np.concatenate([np.zeros(CONTEXT, np.float32), sample_recording()[: 12 * SAMPLE_RATE]])


def test_it_says_what_its_authors_published(recording: np.ndarray) -> None:
    told = Network().push(recording)
    assert len(told) == 12 * SAMPLE_RATE // CHUNK
    np.testing.assert_allclose(told[::EVERY], AS_PUBLISHED, atol=0.01)
    assert min(AS_PUBLISHED) < 0.05 < 0.95 < max(AS_PUBLISHED)  # both answers are among them


@pytest.mark.parametrize("chunks", [1, 3, 8])
def test_it_remembers_from_push_to_push(recording: np.ndarray, chunks: int) -> None:
    whole = Network().push(recording)
    network, size = Network(), chunks * CHUNK
    starts = range(0, len(recording) - CONTEXT - size + 1, size)
    told = np.concatenate([network.push(recording[s : s + CONTEXT + size]) for s in starts])
    np.testing.assert_allclose(told, whole[: len(told)], atol=1e-4)


def test_reset_forgets(recording: np.ndarray) -> None:
    network = Network()
    first = network.push(recording)
    network.reset()
    np.testing.assert_array_equal(network.push(recording), first)
