"""How each corpus writes mood and speaker into a file's name; one reader per corpus.

Readers look at names only, never at folders' exact wording: the distributions that circulate
differ in folders, case and containers, but the names within survived.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from moodwire_training.clips import Clip


@dataclass(frozen=True)
class Reader:
    corpus: str
    expected_clips: int
    expected_speakers: int
    read: Callable[[PurePath], Clip | None]


def _read_crema_d(path: PurePath) -> Clip | None:
    # Intensity is XX, LO, MD or HI; one file circulates as 1040_ITH_SAD_X.
    found = re.fullmatch(
        r"(1\d{3})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(X{1,2}|LO|MD|HI)", _stem(path)
    )
    if not found:
        return None
    actor, sentence, mood, intensity = found.groups()
    moods = {
        "ANG": "angry",
        "DIS": "disgust",
        "FEA": "fear",
        "HAP": "happy",
        "NEU": "neutral",
        "SAD": "sad",
    }
    gender = "f" if int(actor) in _CREMA_D_WOMEN else "m"
    text = f"{sentence}_{intensity.ljust(2, 'X')}"
    return Clip("CREMA-D", str(path), f"CRE{actor}", moods[mood], gender, "en", text)


def _read_ravdess(path: PurePath) -> Clip | None:
    found = re.fullmatch(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)", _stem(path))
    if not found:
        return None
    modality, channel, mood, intensity, statement, repetition, actor = found.groups()
    moods = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")
    speech_alone = modality == "03" and channel == "01"
    if not speech_alone or not 1 <= int(mood) <= len(moods) or not 1 <= int(actor) <= 24:
        return None
    text = f"int{int(intensity)}_stmt{int(statement)}_rep{int(repetition)}"
    gender = "m" if int(actor) % 2 else "f"
    return Clip("RAVDESS", str(path), f"RAV{actor}", moods[int(mood) - 1], gender, "en", text)


def _read_tess(path: PurePath) -> Clip | None:
    # One file circulates as OA_bite_neutral; "ps" is pleasant surprise.
    found = re.fullmatch(r"(OAF?|YAF)_(\w+)_(angry|disgust|fear|happy|neutral|ps|sad)", _stem(path))
    if not found:
        return None
    woman, word, mood = found.groups()
    mood = "surprise" if mood == "ps" else mood
    return Clip("TESS", str(path), f"TES{woman[0]}AF", mood, "f", "en", word)


def _read_savee(path: PurePath) -> Clip | None:
    name = _stem(path)
    # DC_a01.wav in one distribution, DC/a01.wav in the other.
    found = re.fullmatch(r"(?:(DC|JE|JK|KL)_)?(a|d|f|h|n|sa|su)(\d\d)", name)
    speaker = found and (found[1] or path.parent.name)
    if not found or speaker not in ("DC", "JE", "JK", "KL"):
        return None
    moods = {
        "a": "angry",
        "d": "disgust",
        "f": "fear",
        "h": "happy",
        "n": "neutral",
        "sa": "sad",
        "su": "surprise",
    }
    return Clip(
        "SAVEE", str(path), f"SAV{speaker}", moods[found[2]], "m", "en", found[2] + found[3]
    )


def _read_emo_db(path: PurePath) -> Clip | None:
    found = re.fullmatch(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z]?)", _stem(path))
    if not found:
        return None
    speaker, sentence, mood, _take = found.groups()
    # Wut, Langeweile, Ekel, Angst, Freude, Trauer, neutral: the sixth letter, in German.
    moods = {
        "W": "angry",
        "L": "boredom",
        "E": "disgust",
        "A": "fear",
        "F": "happy",
        "T": "sad",
        "N": "neutral",
    }
    gender = "f" if speaker in ("08", "09", "13", "14", "16") else "m"
    return Clip("EMO-DB", str(path), f"EMO{speaker}", moods[mood], gender, "de", sentence)


def _read_nemo(path: PurePath) -> Clip | None:
    found = re.fullmatch(
        r"([A-Z]{2}\d)_(anger|fear|happiness|neutral|sadness|surprised)_(\d+)", _stem(path)
    )
    if not found:
        return None
    speaker, mood, sentence = found.groups()
    moods = {"anger": "angry", "happiness": "happy", "sadness": "sad", "surprised": "surprise"}
    gender = "f" if speaker in ("EB0", "IC0", "KD0", "MK0") else "m"
    return Clip("nEMO", str(path), f"NEM{speaker}", moods.get(mood, mood), gender, "pl", sentence)


def _stem(path: PurePath) -> str:
    return path.name.rsplit(".", 1)[0]


# From the corpus' own list of actors; its file names do not say.
# fmt: off
_CREMA_D_WOMEN = frozenset({
    1002, 1003, 1004, 1006, 1007, 1008, 1009, 1010, 1012, 1013, 1018, 1020, 1021, 1024, 1025,
    1028, 1029, 1030, 1037, 1043, 1046, 1047, 1049, 1052, 1053, 1054, 1055, 1056, 1058, 1060,
    1061, 1063, 1072, 1073, 1074, 1075, 1076, 1078, 1079, 1082, 1084, 1089, 1091,
})
# fmt: on

READERS = (
    Reader("CREMA-D", 7442, 91, _read_crema_d),
    Reader("RAVDESS", 1440, 24, _read_ravdess),
    Reader("TESS", 2800, 2, _read_tess),
    Reader("SAVEE", 480, 4, _read_savee),
    Reader("EMO-DB", 535, 10, _read_emo_db),
    Reader("nEMO", 4481, 9, _read_nemo),
)
