"""The classical feature table: one row of statistics per clip, for those who want it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from moodwire.features.mel import dct_matrix
from moodwire_training.material import Material
from moodwire_training.windows import total_power


def write_table(file: Path, material: Material) -> None:
    """Means and deviations of the MFCC over the spoken part, and its loudness and length."""
    store, bank, spec = material.store, material.bank, material.spec
    numbers = range(spec.coefficients)
    header = ["corpus", "path", "speaker", "gender", "language", "emotion", "seconds"]
    header += ["spoken_seconds", "level_db", "level_deviation_db"]
    header += [f"mfcc{n}_mean" for n in numbers] + [f"mfcc{n}_deviation" for n in numbers]
    basis = dct_matrix(spec)
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(header)
        for row, clip in enumerate(store.clips):
            if not clip.is_speech:
                continue
            start = bank.offset[row]
            spoken = store.frames[start + bank.first[row] : start + bank.last[row]]
            mfcc = spoken @ basis
            level = 10 * np.log10(total_power(np.exp(spoken)))
            seconds = [bank.length[row] * spec.frame_seconds, len(spoken) * spec.frame_seconds]
            values = [*seconds, level.mean(), level.std(), *mfcc.mean(axis=0), *mfcc.std(axis=0)]
            facts = [clip.corpus, clip.path, clip.speaker, clip.gender, clip.language, clip.emotion]
            writer.writerow(facts + [f"{value:.5g}" for value in values])
