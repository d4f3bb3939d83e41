"""Readers know moods and voices from names, in every layout that circulates."""

from __future__ import annotations

from pathlib import Path, PurePath

import numpy as np
import pytest
import soundfile

from moodwire_training.audio import UnusableClipError, read_audio
from moodwire_training.clips import read_manifest, write_manifest
from moodwire_training.corpora import find_corpora, read_name


@pytest.mark.parametrize(
    ("name", "corpus", "speaker", "emotion", "gender"),
    [
        ("AudioWAV/1002_IEO_HAP_LO.wav", "CREMA-D", "CRE1002", "happy", "f"),
        ("AudioWAV/1040_ITH_SAD_X.wav", "CREMA-D", "CRE1040", "sad", "m"),
        ("Actor_08/03-01-02-01-01-01-08.wav", "RAVDESS", "RAV08", "calm", "f"),
        ("audio_speech_actors_01-24/03-01-08-02-02-02-17.wav", "RAVDESS", "RAV17", "surprise", "m"),
        ("OAF_Pleasant_surprise/OAF_bar_ps.wav", "TESS", "TESOAF", "surprise", "f"),
        ("OAF_neutral/OA_bite_neutral.wav", "TESS", "TESOAF", "neutral", "f"),
        ("yaf_angry/YAF_back_angry.wav", "TESS", "TESYAF", "angry", "f"),
        ("ALL/JK_sa07.wav", "SAVEE", "SAVJK", "sad", "m"),
        ("AudioData/DC/su11.wav", "SAVEE", "SAVDC", "surprise", "m"),
        ("wav/16b10Wb.wav", "EMO-DB", "EMO16", "angry", "f"),
        ("wav/03a02Lc.wav", "EMO-DB", "EMO03", "boredom", "m"),
        ("samples/MK0_surprised_12.wav", "nEMO", "NEMMK0", "surprise", "f"),
    ],
)
def test_reads_names(name: str, corpus: str, speaker: str, emotion: str, gender: str) -> None:
    clip = read_name(PurePath(name))
    assert clip is not None
    assert (clip.corpus, clip.speaker, clip.emotion, clip.gender) == (
        corpus,
        speaker,
        emotion,
        gender,
    )


@pytest.mark.parametrize(
    "name",
    [
        "03-02-01-01-01-01-01.wav",  # RAVDESS song
        "01-01-01-01-01-01-01.mp4",  # RAVDESS video
        "readme_a01.wav",
        "a01.wav",  # SAVEE's name in no SAVEE speaker's folder
        "1-100032-A-0.wav",  # ESC-50
    ],
)
def test_leaves_other_files_alone(name: str) -> None:
    assert read_name(PurePath(name)) is None


def test_says_what_is_missing_and_what_came_twice(tmp_path: Path) -> None:
    for folder in ("first", "second/copy"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "KL_a01.wav").touch()
    (found,) = find_corpora([tmp_path])
    assert (found.corpus, len(found.clips), found.complete) == ("SAVEE", 1, False)
    assert [Path(path).parent.name for path in found.repeated] == ["copy"]


def test_a_manifest_goes_round_and_names_its_missing_column(tmp_path: Path) -> None:
    clip = read_name(PurePath("wav/16b10Wb.wav"))
    assert clip is not None
    write_manifest(tmp_path / "clips.csv", [clip])
    assert read_manifest(tmp_path / "clips.csv") == [clip]
    (tmp_path / "bad.csv").write_text("path,emotion\na.wav,happy\n")
    with pytest.raises(ValueError, match=r"bad\.csv: column 'speaker' is missing"):
        read_manifest(tmp_path / "bad.csv")


def test_hears_what_other_distributions_hold(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(96_000) / 96_000)
    stereo = np.stack([tone, 0 * tone], axis=1)
    file = tmp_path / "OAF_food_fear.wav"
    soundfile.write(file, stereo, 96_000, format="AIFF", subtype="PCM_16")
    samples, remarks = read_audio(file, 16_000)
    assert len(samples) == 16_000
    spectrum = np.abs(np.fft.rfft(samples))
    assert int(spectrum.argmax()) == 440
    assert samples.max() == pytest.approx(0.25, abs=0.01)
    assert {remark.split()[0] for remark in remarks} == {"AIFF", "2", "96000"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "unreadable"), (b"RIFF but no more", "unreadable"), (None, "silent")],
)
def test_refuses_what_cannot_be_learned_from(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "1076_MTI_SAD_XX.wav"
    if content is None:
        soundfile.write(file, np.zeros(16_000), 16_000)
    else:
        file.write_bytes(content)
    with pytest.raises(UnusableClipError, match=reason):
        read_audio(file, 16_000)
