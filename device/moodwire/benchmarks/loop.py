"""The loop that users write today: every hop, librosa's MFCC of the window, then the model.

python -m moodwire.benchmarks.loop FILE HOP
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from moodwire.audio.source import Samples
from moodwire.model import Bundle, Classifier, load_bundle
from moodwire.threads import THREAD_LIMITS

WARM_UP = 5


def loop_cpu_share(recording: Path, hop: int, *, one_thread: bool) -> float | None:
    """CPU seconds per second of sound, in a process of its own; None where there is no librosa.

    As users write it, numpy takes as many threads as there are cores; or limited to one.
    """
    if find_spec("librosa") is None:
        return None
    around = {key: value for key, value in os.environ.items() if key not in THREAD_LIMITS}
    if one_thread:
        around |= dict.fromkeys(THREAD_LIMITS, "1")
    command = [sys.executable, "-P", "-m", __name__, str(recording), str(hop)]
    out = subprocess.run(command, env=around, check=True, stdout=subprocess.PIPE).stdout
    return float(out)


def measure(bundle: Bundle, samples: Samples, hop: int) -> float:
    import librosa

    spec, classifier = bundle.spec, Classifier(bundle)

    def judge(end: int) -> None:
        features = librosa.feature.mfcc(
            y=samples[end - spec.window_samples : end],
            sr=spec.sample_rate,
            n_mfcc=spec.width,
            n_fft=spec.fft_length,
            hop_length=spec.hop_length,
            n_mels=spec.mel_bands,
            center=False,
        )
        classifier.probabilities(features.T)

    ends = range(spec.window_samples, len(samples), hop)
    for end in ends[:WARM_UP]:
        judge(end)
    before = time.process_time()
    for end in ends:
        judge(end)
    return (time.process_time() - before) / (len(ends) * hop / spec.sample_rate)


if __name__ == "__main__":
    raw = np.fromfile(sys.argv[1], dtype="<i2").astype(np.float32) / np.float32(32_768)
    print(measure(load_bundle(), raw, int(sys.argv[2])))
