"""Readers know moods and voices from names, in every layout that circulates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np
import pytest
import soundfile

from moodwire_training.audio import UnusableClipError, read_audio
from moodwire_training.clips import Clip, corpus_labels, read_manifest, write_manifest
from moodwire_training.corpora import find_corpora, read_name, read_told, told
from moodwire_training.folds import Training
from moodwire_training.labels import CORPUS_LABELS, SIX
from moodwire_training.surroundings import find_surroundings
from moodwire_training.training_run import unused_sources


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


def test_a_manifest_goes_round_and_names_its_missing_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wav").mkdir()
    file = tmp_path / "wav" / "16b10Wb.wav"
    file.touch()
    clip = read_name(file)
    assert clip is not None
    monkeypatch.chdir(tmp_path / "wav")
    write_manifest(Path("../clips.csv"), [replace(clip, path=file.name)])
    monkeypatch.chdir("/")
    (found,) = find_corpora([tmp_path / "clips.csv"])
    assert found.clips == (clip,)
    (tmp_path / "bad.csv").write_text("path,emotion\na.wav,happy\n")
    with pytest.raises(ValueError, match=r"bad\.csv: column 'speaker' is missing"):
        read_manifest(tmp_path / "bad.csv")
    (tmp_path / "old.csv").write_text("path,emotion,speaker\na.wav,happy,Jürgen\n", "latin-1")
    with pytest.raises(ValueError, match=r"old\.csv: not UTF-8"):
        read_manifest(tmp_path / "old.csv")
    (tmp_path / "open.csv").write_text('path,emotion,speaker\n"a.wav,sad,ben\n' + "x" * 200_000)
    with pytest.raises(ValueError, match=r"open\.csv: .*quotation mark left open"):
        read_manifest(tmp_path / "open.csv")


def test_a_manifest_of_ones_own_keeps_every_path_and_says_why_rows_are_left_out(
    tmp_path: Path,
) -> None:
    rows = []
    for speaker in ("anna", "ben"):
        (tmp_path / speaker).mkdir()
        for emotion in ("Angry", "sad", "bored"):
            for folder in ("", "again"):
                file = tmp_path / speaker / folder / f"{emotion}.wav"
                file.parent.mkdir(exist_ok=True)
                file.touch()
                rows.append(f"{file.relative_to(tmp_path)},{emotion} ,{speaker} ")
    rows += ["gone.wav,sad,ben", "anna/sad.wav,sad,", "anna/sad.wav,sad,anna"]
    text = "path,emotion,speaker\n" + "\n".join(rows) + "\n"
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8-sig")
    (found,) = find_corpora([tmp_path / "mine.csv"])
    assert (found.corpus, len(found.clips), found.complete) == ("mine", 8, True)
    assert {clip.emotion for clip in found.clips} == {"angry", "sad"}
    assert found.speakers == {"anna": 4, "ben": 4}
    assert [line.removeprefix(f"{tmp_path}/") for line in found.refused][4:] == [
        "gone.wav: no such file",
        "anna/sad.wav: no speaker is named",
    ]
    assert "anna/bored.wav: emotion 'bored' is unknown; known: angry, disgust" in found.refused[0]
    assert [Path(path).name for path in found.repeated] == ["sad.wav"]


def test_own_noise_is_called_as_its_folder_and_missed_in_a_plan_that_does_not_name_it(
    tmp_path: Path,
) -> None:
    for name in ("noise/dog.wav", "noise/ESC-50/1-1-A-0.wav", "noise/shop/till.wav", "rooms/x.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    clips = find_surroundings([tmp_path], "noise") + find_surroundings([tmp_path], "rooms")
    assert [clip.text for clip in clips] == ["ESC-50", "noise", "shop", "EchoThief"]
    assert unused_sources(clips, Training("1", ())) == ["noise", "shop"]
    assert unused_sources(clips, Training("1", (), surroundings=("shop", "noise"))) == []


def test_a_corpus_of_ones_own_knows_the_moods_that_it_has() -> None:
    clips = [
        *(Clip("mine", f"{mood}.wav", "anna", mood) for mood in ("sad", "calm", "angry")),
        Clip("plain", "plain.wav", "ben", "neutral"),
        Clip("nEMO", "any.wav", "NEMEB0", "sad"),
        Clip("noise", "rain.wav", "", "noise"),
    ]
    labels = corpus_labels(clips)
    assert labels["mine"] == ("angry", "sad", "calm")
    assert labels["plain"] == SIX
    assert labels["nEMO"] == CORPUS_LABELS["nEMO"]
    assert "noise" not in labels


@pytest.mark.parametrize(
    "clip",
    [
        Clip("EMO-DB", "/data/wav/16b10Wb.wav", "EMO16", "angry"),
        Clip("CREMA-D", "/data/[raw]/1002_IEO_HAP_LO.wav", "CRE1002", "happy"),
        Clip("mine", "/mine/anna/1.wav", "anna", "sad"),
        Clip("mine", "/mine/1002_IEO_HAP_LO.wav", "1002", "happy"),
    ],
)
def test_results_tell_whose_clip_it_was(clip: Clip) -> None:
    again = read_told(told(clip))
    assert (again.corpus, again.speaker, again.emotion) == (clip.corpus, clip.speaker, clip.emotion)


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
