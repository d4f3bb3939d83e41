"""Batches for training: a pure function of seed and step, so a resumed run sees the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from moodwire.features import FrontendSpec, window_features
from moodwire.features.mel import dct_matrix
from moodwire_training.augment import Augmenter
from moodwire_training.clips import corpus_labels
from moodwire_training.labels import UNION, mask_of
from moodwire_training.recipe import Recipe, check_shares
from moodwire_training.store import FeatureStore
from moodwire_training.teachers import Teacher, believed, joint_logits

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

# Steps that no training reaches: for the statistics of the features, and for examples.
STATISTICS_STEP = 1 << 40
EXAMPLES_STEP = 1 << 41


@dataclass
class BatchSource:
    store: FeatureStore
    spec: FrontendSpec
    recipe: Recipe
    augmenter: Augmenter
    rows: Ints
    targets: Floats
    """[clips, labels] soft targets."""
    teachers: Sequence[Teacher] = ()
    mean: Floats | None = None
    deviation: Floats | None = None
    _groups: list[Ints] = field(default_factory=list)
    _shares: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    _neutral: dict[str, Ints] = field(default_factory=dict)

    def __post_init__(self) -> None:
        clips = self.store.clips
        check_shares(self.recipe, {clips[row].corpus for row in self.rows})
        self._labels = corpus_labels(clips)
        self._masks = np.stack([mask_of(self._labels.get(clip.corpus, UNION)) for clip in clips])
        known = set(self._labels).intersection(*(one.corpora for one in self.teachers))
        trusts = [[self.recipe.trust * (clip.corpus in known)] for clip in clips]
        self._trusts = np.array(trusts, dtype=np.float32)
        self._group()
        neutral: dict[str, list[int]] = {}
        for row in self.rows:
            if clips[row].emotion == "neutral":
                neutral.setdefault(clips[row].speaker, []).append(int(row))
        self._neutral = {speaker: np.array(rows) for speaker, rows in neutral.items()}

    def _group(self) -> None:
        """Clips of one corpus and mood are drawn alike; scarce moods are drawn more often."""
        shares: list[float] = []
        for corpus, weight in self.recipe.corpora.items():
            groups = [
                np.array(found)
                for label in self._labels[corpus]
                if (found := [r for r in self.rows if self._is(r, corpus, label)])
            ]
            sizes = np.sqrt([len(group) for group in groups])
            self._groups += groups
            shares += list(weight * sizes / sizes.sum()) if groups else []
        if not shares:
            raise ValueError(
                "no clip to train on: none of the recipe's corpora "
                f"({', '.join(self.recipe.corpora)}) is in the training split"
            )
        self._shares = np.array(shares, dtype=np.float64) / sum(shares)

    def _is(self, row: int, corpus: str, label: str) -> bool:
        clip = self.store.clips[row]
        return clip.corpus == corpus and clip.emotion == label

    def measure(self, batches: int = 12) -> None:
        """Mean and deviation per coefficient of what the network is going to be fed."""
        drawn = [self._draw(STATISTICS_STEP + number) for number in range(batches)]
        joined = np.concatenate([self._features(rng, clips) for rng, clips in drawn])
        self.mean = joined.mean(axis=(0, 1)).astype(np.float32)
        self.deviation = (joined.std(axis=(0, 1)) + 1e-3).astype(np.float32)

    def examples(self, count: int) -> Floats:
        """Windows as the device would meet them, before standardisation; nothing blanked."""
        batches = []
        for number in range(-(-count // self.recipe.batch)):
            rng, clips = self._draw(EXAMPLES_STEP + number)
            partners = np.array([self._partner(rng, row) for row in clips])
            logmel = self.augmenter.windows(rng, clips, partners)
            batches.append(window_features(self.spec, logmel))
        return np.asarray(np.concatenate(batches)[:count], dtype=np.float32)

    def batch(self, step: int) -> tuple[Floats, Floats]:
        """Features [B, T, C], and targets [B, 4 * labels]: two mixed targets, then their masks."""
        if self.mean is None or self.deviation is None:
            raise ValueError("measure() first: features are standardised by what it finds")
        rng, clips = self._draw(step)
        features = (self._features(rng, clips) - self.mean) / self.deviation
        targets, masks = self.targets[clips], self._masks[clips]
        strength = self.recipe.strength
        partner = rng.permutation(len(clips))
        share = rng.beta(strength.mixup_beta, strength.mixup_beta, len(clips))
        share = np.where(rng.random(len(clips)) < strength.mixup, share, 1.0).astype(np.float32)
        own = np.asarray(share[:, None], dtype=np.float32)
        other = np.asarray(1 - own, dtype=np.float32)
        mixed = own[:, :, None] * features + other[:, :, None] * features[partner]
        first, second = targets, targets[partner]
        if self.teachers:
            logits = joint_logits(self.teachers, mixed * self.deviation + self.mean)
            trust = self._trusts[clips]
            first = (1 - trust) * first + trust * believed(logits, masks)
            trust = trust[partner]
            second = (1 - trust) * second + trust * believed(logits, masks[partner])
        answers: list[Floats] = [own * first, other * second, masks, masks[partner]]
        return mixed.astype(np.float32), np.concatenate(answers, axis=1).astype(np.float32)

    def _draw(self, step: int) -> tuple[np.random.Generator, Ints]:
        rng = np.random.default_rng((self.recipe.seed, step))
        groups = rng.choice(len(self._groups), self.recipe.batch, p=self._shares)
        clips = [self._groups[g][rng.integers(len(self._groups[g]))] for g in groups]
        return rng, np.array(clips, dtype=np.int64)

    def _features(self, rng: np.random.Generator, clips: Ints) -> Floats:
        partners = np.array([self._partner(rng, row) for row in clips])
        logmel = self.augmenter.windows(rng, clips, partners)
        # Normalised first and transformed last: masks belong between the two.
        picture = window_features(replace(self.spec, kind="logmel"), logmel)
        self.augmenter.mask(rng, picture)
        return picture @ dct_matrix(self.spec) if self.spec.kind == "mfcc" else picture

    def _partner(self, rng: np.random.Generator, row: int) -> int:
        clip = self.store.clips[row]
        rows = self._neutral.get(clip.speaker)
        if clip.emotion == "neutral" or rows is None:
            return -1
        return int(rng.choice(rows))
