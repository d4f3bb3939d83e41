"""Finds speech corpora in their original layouts and reads mood and speaker from their names."""

from moodwire_training.corpora.find import (
    Found,
    find_corpora,
    read_name,
    read_told,
    told,
)

__all__ = [
    "Found",
    "find_corpora",
    "read_name",
    "read_told",
    "told",
]
