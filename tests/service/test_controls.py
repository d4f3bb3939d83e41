"""What was set from afar: kept over restarts, until the file means something else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from rotten import ROTTEN

from moodwire.config import Config, ProfileName, parse_config
from moodwire.service.controls import FILE_NAME, Controls, RefusedError


class File:
    """The configuration file as it stands."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def __call__(self, profile: ProfileName | None) -> Config:
        return parse_config(self.text, profile=profile)


def test_a_choice_survives_a_restart(tmp_path: Path) -> None:
    file = File()
    controls = Controls.read(file, tmp_path)
    controls.choose("hold", 7.0)
    controls.mute(True)
    again = Controls.read(file, tmp_path)
    assert again.config().decision.hold == 7.0
    assert again.chosen.muted


def test_whoever_edits_the_file_means_it(tmp_path: Path) -> None:
    file = File()
    controls = Controls.read(file, tmp_path)
    controls.choose("hold", 7.0)
    file.text = "[decision]\nenter = 0.7"
    assert controls.config().decision.hold == 7.0, "another setting was edited"
    file.text = "[decision]\nhold = 9.0"
    assert controls.config().decision.hold == 9.0


def test_another_profile_brings_its_own_values(tmp_path: Path) -> None:
    controls = Controls.read(File(), tmp_path)
    controls.mute(True)
    controls.choose("hold", 7.0)
    controls.choose_profile("car")
    config = Controls.read(File(), tmp_path).config()
    assert config.profile == "car"
    assert config == parse_config("", profile="car"), "what was set at home does not count there"
    assert controls.chosen.muted, "but a mute does"


def test_what_contradicts_other_settings_is_refused_and_not_kept(tmp_path: Path) -> None:
    controls = Controls.read(File(), tmp_path)
    controls.choose("threshold", 0.9)
    with pytest.raises(RefusedError, match=r"decision\.exit"):
        controls.choose("threshold", 0.1)
    assert Controls.read(File(), tmp_path).config().decision.enter == 0.9


def test_whatever_is_accepted_is_in_force(tmp_path: Path) -> None:
    controls = Controls.read(File("[decision]\nenter = 0.44\nexit = 0.4"), tmp_path)
    controls.choose("exit_threshold", 0.2)
    controls.choose("threshold", 0.3)
    with pytest.raises(RefusedError, match=r"decision\.exit"):
        controls.choose("exit_threshold", 0.35)
    decision = controls.config().decision
    assert (decision.enter, decision.exit) == (0.3, 0.2)


def test_what_a_file_made_impossible_is_not_revived_by_another_choice(tmp_path: Path) -> None:
    file = File("[decision]\nenter = 0.44\nexit = 0.2")
    controls = Controls.read(file, tmp_path)
    controls.choose("threshold", 0.3)
    file.text = "[decision]\nenter = 0.44\nexit = 0.35"
    controls.choose("exit_threshold", 0.4)
    decision = controls.config().decision
    assert (decision.enter, decision.exit) == (0.44, 0.4)


@pytest.mark.parametrize("content", ROTTEN.values(), ids=ROTTEN)
def test_a_damaged_file_is_believed_to_say_mute(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    assert Controls.read(File(), tmp_path).chosen.muted


def test_a_full_disk_leaves_what_was_known(tmp_path: Path) -> None:
    controls = Controls.read(File(), tmp_path / "nowhere")
    with pytest.raises(OSError, match="No such file"):
        controls.choose("hold", 7.0)
    assert controls.config().decision.hold == Config().decision.hold


def test_nothing_is_written_until_somebody_sets_something(tmp_path: Path) -> None:
    Controls.read(File(), tmp_path).config()
    assert list(tmp_path.iterdir()) == []
    Controls.read(File(), tmp_path).choose("hold", 1.0)
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]
    msgspec.json.decode((tmp_path / FILE_NAME).read_bytes())
