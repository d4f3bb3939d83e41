"""Trainings that share a cache: each makes what is missing, none stands in another's way."""

from __future__ import annotations

import os
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from moodwire.features import FrontendSpec
from moodwire_training.cli import corpora, features
from moodwire_training.corpora import find_corpora
from moodwire_training.store import FeatureStore, build_store

CLIPS = 4


def build(data: Path, cache: Path) -> FeatureStore:
    (found,) = find_corpora([data])
    return build_store(found.clips[:CLIPS], FrontendSpec(), cache)


def build_beside_another(data: Path, cache: Path, written: Barrier) -> None:
    """Neither is done with its file before both have written it."""
    write = np.savez

    def write_and_wait(*arguments, **arrays):
        write(*arguments, **arrays)
        written.wait(30.0)

    np.savez = write_and_wait
    build(data, cache)


def test_two_trainings_fill_one_cache_at_once(tiny_corpus: Path, tmp_path: Path) -> None:
    system = get_context("fork")
    arguments = (tiny_corpus, tmp_path, system.Barrier(2))
    both = [system.Process(target=build_beside_another, args=arguments) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(60.0)
    assert [each.exitcode for each in both] == [0, 0]

    (made,) = tmp_path.iterdir()
    assert len(build(tiny_corpus, tmp_path).clips) == CLIPS
    assert list(tmp_path.iterdir()) == [made]


def test_features_are_computed_once_however_the_folder_is_named(
    tiny_corpus: Path, tmp_path: Path
) -> None:
    named = os.path.relpath(tiny_corpus)
    to = ["--cache", str(tmp_path / "cache"), "--workers", "1"]
    report = ["--report", str(tmp_path / "corpora.html")]
    first = CliRunner().invoke(corpora.command, [named, *report, *to])
    assert "features: " in first.stderr, first.output
    again = CliRunner().invoke(features.command, ["--data", str(tiny_corpus), *to])
    assert again.exit_code == 0
    assert "features: " not in again.stderr


def test_says_why_none_of_the_clips_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "KL_a01.wav").touch()
    with pytest.raises(ValueError, match=r"none .* can be used, the first: .*KL_a01\.wav: unreada"):
        build(tmp_path, tmp_path / "cache")
