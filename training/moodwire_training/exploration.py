"""The exploration report: what a person should have seen of the corpora before training."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from moodwire.features import window_features
from moodwire_training.audio import read_audio
from moodwire_training.clips import corpus_labels
from moodwire_training.corpora import Found
from moodwire_training.labels import UNION
from moodwire_training.material import Material
from moodwire_training.pages import figure, page, table, warning
from moodwire_training.windows import total_power


def exploration_page(found: Sequence[Found], material: Material) -> str:
    import matplotlib as mpl

    mpl.use("Agg")
    parts = [overview(found), troubles(found, material), distributions(material)]
    parts.append("<h2>One clip of each mood</h2>")
    parts += [mood_pictures(material, mood) for mood in UNION if example_of(material, mood) >= 0]
    return page("Moodwire: what there is to learn from", parts)


def overview(found: Sequence[Found]) -> str:
    rows = []
    for item in found:
        moods = Counter(clip.emotion for clip in item.clips)
        expected = item.expected_clips or len(item.clips)
        rows.append(
            [
                item.corpus,
                f"{len(item.clips)} of {expected}",
                len(item.speakers),
                "complete" if item.complete else f"{expected - len(item.clips)} missing",
                *(moods.get(mood, "") for mood in UNION),
            ]
        )
    return table(["corpus", "clips", "speakers", "", *UNION], rows)


def troubles(found: Sequence[Found], material: Material) -> str:
    """Everything that was odd, in words."""
    store = material.store
    lines = [f"{path}: left out, {reason}" for path, reason in store.unusable.items()]
    lines += [f"{path}: {', '.join(odd)}" for path, odd in store.remarks.items()]
    lines += [
        f"{clip.path}: the same sound as {clip.duplicate_of}; left out of training and test"
        for clip in store.clips
        if clip.duplicate_of
    ]
    lines += [f"{path}: found twice" for item in found for path in item.repeated]
    lines += [f"{line}; left out" for item in found for line in item.refused]
    if not lines:
        return "<p>Nothing odd about any file.</p>"
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return warning(f"{len(lines)} files needed attention") + f"<ul>{items}</ul>"


def distributions(material: Material) -> str:
    import matplotlib.pyplot as plt

    store, bank, spec = material.store, material.bank, material.spec
    by_corpus: dict[str, list[int]] = {}
    for row, clip in enumerate(store.clips):
        if clip.is_speech:
            by_corpus.setdefault(clip.corpus, []).append(row)
    names = list(by_corpus)
    picture, (durations, loudness, speakers) = plt.subplots(1, 3, figsize=(15, 4))
    seconds, levels, counts = [], [], []
    for rows in by_corpus.values():
        seconds.append(bank.length[rows] * spec.frame_seconds)
        levels.append([spoken_level(material, row) for row in rows])
        counts.append(list(Counter(store.clips[row].speaker for row in rows).values()))
    for axes, values, title in (
        (durations, seconds, "seconds per clip"),
        (loudness, levels, "level while speaking (dB, arbitrary zero)"),
        (speakers, counts, "clips per speaker"),
    ):
        axes.boxplot(values, tick_labels=names, showfliers=False)
        axes.set_title(title)
        axes.tick_params(axis="x", rotation=30)
    text = figure(
        picture, "Corpora differ in length and by tens of dB in level: both must not matter"
    )
    plt.close(picture)
    return "<h2>Length, loudness, speakers</h2>" + text


def spoken_level(material: Material, row: int) -> float:
    bank = material.bank
    start = bank.offset[row]
    spoken = bank.frames[start + bank.first[row] : start + bank.last[row]]
    return float(10 * np.log10(total_power(np.exp(spoken)).mean()))


def example_of(material: Material, mood: str) -> int:
    """The first clip of the mood in the first corpus that has one; -1 without any."""
    # RAVDESS first: it has most moods, and its actors say the same sentence in all of them.
    for corpus in ("RAVDESS", *corpus_labels(material.store.clips)):
        for row, clip in enumerate(material.store.clips):
            if clip.corpus == corpus and clip.emotion == mood:
                return row
    return -1


def mood_pictures(material: Material, mood: str) -> str:
    import matplotlib.pyplot as plt

    row = example_of(material, mood)
    clip, spec, bank = material.store.clips[row], material.spec, material.bank
    samples, _ = read_audio(Path(clip.path), spec.sample_rate)
    centre = (bank.first[row] + bank.last[row]) / 2 - spec.window_frames / 2
    positions = np.floor(centre) + np.arange(spec.window_frames, dtype=np.float64)
    logmel = bank.windows(np.array([row]), positions[None, :])
    mfcc = window_features(spec, logmel)[0]
    picture, axes = plt.subplots(1, 4, figsize=(16, 2.8))
    seconds: Any = np.arange(len(samples)) / spec.sample_rate
    axes[0].plot(seconds, samples, linewidth=0.4)
    axes[1].specgram(samples + 1e-9, NFFT=512, Fs=spec.sample_rate, noverlap=256)
    axes[2].imshow(logmel[0].T, origin="lower", aspect="auto")
    axes[3].imshow(mfcc.T, origin="lower", aspect="auto", vmin=-3, vmax=3)
    for axis, title in zip(axes, ("waveform", "spectrogram", "mel", "MFCC"), strict=True):
        axis.set_title(f"{mood}: {title}")
    text = figure(picture, f"{mood}: {clip.corpus} {Path(clip.path).name}, speaker {clip.speaker}")
    plt.close(picture)
    return text
