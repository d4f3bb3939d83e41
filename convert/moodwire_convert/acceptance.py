"""Scores a bundle on speakers that nothing shipped has heard, by the device's own pipeline.

What is fed are files, and what answers is what `moodwire classify` would say: resampling, front
end, speech gate, int8 network and averaging included. So the figures depend on the gate, too; when
it has changed, they are measured anew and kept in the bundle by

    python -m moodwire_convert.acceptance BUNDLE DATA
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from moodwire.audio.file import FileSource
from moodwire.clips import classify_clip, clip_config
from moodwire.config import Config
from moodwire.model import Bundle, load_bundle
from moodwire.model.manifest import Metric
from moodwire.pipeline import Pipeline
from moodwire_convert.calibrate import recall
from moodwire_convert.write import add_metrics
from moodwire_training.clips import Clip
from moodwire_training.corpora import find_corpora
from moodwire_training.folds import acceptance_speakers

PREFIX = "acceptance_clips."


def acceptance_clips(roots: Sequence[Path], labels: Sequence[str]) -> dict[str, list[Clip]]:
    """Clips of the acceptance speakers with a mood that the bundle knows, by corpus."""
    kept = acceptance_speakers()
    found: dict[str, list[Clip]] = {}
    for corpus in find_corpora(roots):
        for clip in corpus.clips:
            if clip.speaker in kept and clip.emotion in labels and not clip.duplicate_of:
                found.setdefault(clip.corpus, []).append(clip)
    return found


def measure_acceptance(bundle: Bundle, roots: Sequence[Path]) -> Iterator[Metric]:
    """The recall of every corpus, averaged over the moods that it has."""
    config = clip_config(Config(), bundle.spec)
    pipeline = Pipeline(bundle, config)
    for corpus, clips in sorted(acceptance_clips(roots, bundle.labels).items()):
        heard = [_hear(pipeline, Path(clip.path)) for clip in clips]
        truth = [clip.emotion for clip in clips]
        yield Metric(
            name=f"{PREFIX}{corpus.lower().replace('-', '_')}.uar",
            value=round(recall(np.array(heard), np.array(truth)), 4),
            protocol=(
                f"{len(clips)} clips of {len({clip.speaker for clip in clips})} speakers that "
                f"nothing shipped has heard, {len(set(truth))} moods, the shipped file in the "
                "device's pipeline, a clip without speech counts as wrong"
            ),
        )


def _hear(pipeline: Pipeline, path: Path) -> str:
    source = FileSource(path)
    try:
        return classify_clip(pipeline, source).mood
    finally:
        source.close()


def main(place: Path, data: Path) -> None:
    bundle = load_bundle(place)
    for metric in add_metrics(bundle, list(measure_acceptance(bundle, [data]))).manifest.metrics:
        if metric.name.startswith(PREFIX):
            print(f"{metric.name}: {100 * metric.value:.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
