"""Scores a bundle on speakers that nothing shipped has heard, by the device's own pipeline.

What is fed are files, and what answers is what `moodwire classify` would say: resampling, front
end, speech gate, int8 network and averaging included. So the figures depend on the gate, too; when
it has changed, they are measured anew and kept in the bundle by

    python -m moodwire_convert.acceptance BUNDLE DATA

With `--levels` at the end, nothing is kept: the clips are heard as softer and louder ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import click
import numpy as np
import soundfile

from moodwire.audio.file import FileSource
from moodwire.clips import classify_clip, clip_config
from moodwire.config import Config
from moodwire.model import Bundle, load_bundle
from moodwire.model.manifest import Metric
from moodwire.pipeline import Pipeline
from moodwire_convert.calibrate import recall
from moodwire_convert.export import ConversionError
from moodwire_convert.write import add_metrics
from moodwire_training.clips import Clip
from moodwire_training.corpora import find_corpora
from moodwire_training.evaluation.record import ACCEPTANCE_METRICS, metric_name
from moodwire_training.folds import acceptance_speakers

LEVELS_DB = (-30, -20, -10, 0, 6)


def acceptance_clips(roots: Sequence[Path], labels: Sequence[str]) -> dict[str, list[Clip]]:
    """Clips of the acceptance speakers with a mood that the bundle knows, by corpus."""
    kept = acceptance_speakers()
    found: dict[str, list[Clip]] = {}
    for corpus in find_corpora(roots):
        for clip in corpus.clips:
            if clip.speaker in kept and clip.emotion in labels and not clip.duplicate_of:
                found.setdefault(clip.corpus, []).append(clip)
    return found


def refuse_known(speakers: Iterable[str]) -> None:
    """Raise where what is said of unheard voices would be said of one that was heard."""
    if heard := sorted(acceptance_speakers() & set(speakers)):
        raise ConversionError(
            f"training heard {heard[0]}, who is of the acceptance speakers: set "
            "hold_out_acceptance in its plan, or convert without --acceptance"
        )


def measure_acceptance(bundle: Bundle, roots: Sequence[Path]) -> Iterator[Metric]:
    """The recall of every corpus, averaged over the moods that it has."""
    for corpus, clips in sorted(acceptance_clips(roots, bundle.labels).items()):
        yield Metric(
            name=f"{ACCEPTANCE_METRICS}{metric_name(corpus)}.uar",
            value=round(recall_of(bundle, clips, FileSource), 4),
            protocol=(
                f"{len(clips)} clips of {len({clip.speaker for clip in clips})} speakers that "
                f"nothing shipped has heard, {len({clip.emotion for clip in clips})} moods, the "
                "shipped file in the device's pipeline, a clip without speech counts as wrong"
            ),
        )


def recall_of(bundle: Bundle, clips: Sequence[Clip], opened: Callable[[Path], FileSource]) -> float:
    pipeline = Pipeline(bundle, clip_config(Config(), bundle.spec))
    heard = [_hear(pipeline, opened(Path(clip.path))) for clip in clips]
    return recall(np.array(heard), np.array([clip.emotion for clip in clips]))


def _hear(pipeline: Pipeline, source: FileSource) -> str:
    try:
        return classify_clip(pipeline, source).mood
    finally:
        source.close()


def at_level(level_db: float, scratch: Path) -> Callable[[Path], FileSource]:
    """Opens recordings as a microphone with another gain would give them: in 16 bits, clipped."""

    def opened(path: Path) -> FileSource:
        samples, rate = soundfile.read(path, dtype="float32")
        louder = np.clip(samples * 10 ** (level_db / 20), -1.0, 1.0)
        soundfile.write(scratch / "louder.wav", louder, rate, subtype="PCM_16")
        return FileSource(scratch / "louder.wav")

    return opened


def show_levels(bundle: Bundle, roots: Sequence[Path]) -> None:
    """The same clips, softer and louder."""
    corpora = sorted(acceptance_clips(roots, bundle.labels).items())
    with tempfile.TemporaryDirectory() as scratch:
        for level in LEVELS_DB:
            opened = at_level(level, Path(scratch))
            found = {name: 100 * recall_of(bundle, clips, opened) for name, clips in corpora}
            line = "  ".join(f"{name} {value:.1f}" for name, value in found.items())
            print(f"{level:+3d} dB  {line}  mean {np.mean(list(found.values())):.1f}", flush=True)


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("bundle", type=FOLDER)
@click.argument("data", type=FOLDER)
@click.option("--levels", is_flag=True, help="Only show how it does softer and louder.")
def main(bundle: Path, data: Path, levels: bool) -> None:
    """Measures BUNDLE on the acceptance speakers in DATA, and writes that into its manifest."""
    loaded = load_bundle(bundle)
    if levels:
        show_levels(loaded, [data])
        return
    for metric in add_metrics(loaded, list(measure_acceptance(loaded, [data]))).manifest.metrics:
        if metric.name.startswith(ACCEPTANCE_METRICS):
            click.echo(f"{metric.name}: {100 * metric.value:.1f}")


if __name__ == "__main__":
    main()
