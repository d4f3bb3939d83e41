"""What a bundle says about itself: the card that we keep, and the record that training writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from moodwire.features import FrontendSpec, SpecError
from moodwire.model.manifest import Corpus, Label, Name, Text
from moodwire_convert.export import ConversionError


class Licence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a corpus' owners allow."""

    licence: str
    commercial_use: bool


class Card(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of cards/: what stays the same from one training to the next."""

    name: Name
    description: Text
    licence: Text
    labels: Annotated[list[Label], Meta(min_length=2)]
    """Outputs of the network that the bundle keeps, in this order."""
    commercial_use: bool
    """Refuse a network that heard a corpus whose licence does not allow it."""
    corpora: dict[str, Licence] = field(default_factory=dict)
    """Of corpora that cards/corpora.toml does not know."""


class Heard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A corpus, and how much of it the weights were fitted on."""

    name: str
    clips: int
    speakers: int


class Record(Struct, frozen=True, kw_only=True):
    """model.json, written by training beside its network."""

    labels: list[str]
    """All outputs of the network, in order."""
    spec: dict[str, Any]
    frontend_hash: str
    mean: list[float]
    deviation: list[float]
    corpora: list[Heard]
    speakers_heard: list[str] = field(default_factory=list)
    """By the network or by those that taught it."""
    temperature: float | None = None
    """Fitted elsewhere, where no voices are left for a validation set."""
    thresholds: dict[str, float] = field(default_factory=dict)

    @property
    def frontend(self) -> FrontendSpec:
        return FrontendSpec.from_dict(self.spec)


def read_card(name_or_file: str) -> Card:
    """A card that comes with this package, by name, or a TOML file."""
    cards = files("moodwire_convert") / "cards"
    path = Path(name_or_file)
    packaged = cards / f"{name_or_file}.toml"
    if path.suffix != ".toml" and not packaged.is_file():
        known = sorted({card.name.removesuffix(".toml") for card in cards.iterdir()} - {"corpora"})
        raise ConversionError(
            f"no card {name_or_file!r}; known: {', '.join(known)}, or a .toml file"
        )
    try:
        text = path.read_text("utf-8") if path.suffix == ".toml" else packaged.read_text("utf-8")
        return msgspec.toml.decode(text, type=Card)
    except ValueError as error:
        raise ConversionError(f"card {name_or_file}: {error}") from None


def read_record(path: Path) -> Record:
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
        found = record.frontend.hash
    except (msgspec.DecodeError, SpecError) as error:
        raise ConversionError(f"{path}: {error}") from None
    if found != record.frontend_hash:
        raise ConversionError(
            f"{path}: frontend_hash is {record.frontend_hash}, its spec has {found} here: "
            "the network was trained with another version of the front end; train it again"
        )
    return record


def with_licences(heard: Sequence[Heard], card: Card) -> list[Corpus]:
    """Every corpus with what its owners allow."""
    text = (files("moodwire_convert") / "cards" / "corpora.toml").read_text("utf-8")
    known = card.corpora | msgspec.toml.decode(text, type=dict[str, Licence])
    corpora = []
    for each in heard:
        if each.name not in known:
            raise ConversionError(
                f"the licence of corpus {each.name!r} is not known; write it into your card "
                f"(--card FILE.toml): [corpora.{json.dumps(each.name, ensure_ascii=False)}] "
                'with licence = "..." and commercial_use = true or false'
            )
        said = known[each.name]
        corpus = Corpus(
            name=each.name,
            licence=said.licence,
            commercial_use=said.commercial_use,
            clips=each.clips,
            speakers=each.speakers,
        )
        if card.commercial_use and not corpus.commercial_use:
            raise ConversionError(
                f"the card allows commercial use, but the network heard {each.name} "
                f"({corpus.licence}); fit it without, or use another card"
            )
        corpora.append(corpus)
    return corpora
