"""Finds speech corpora in their original layouts and reads mood and speaker from their names."""

from moodwire_training.corpora.find import (
    Found,
    find_clips,
    find_corpora,
    read_name,
    read_told,
    told,
)
from moodwire_training.corpora.readers import READERS, Reader

__all__ = [
    "READERS",
    "Found",
    "Reader",
    "find_clips",
    "find_corpora",
    "read_name",
    "read_told",
    "told",
]
