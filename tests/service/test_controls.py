"""What was set from afar: kept over restarts, until the file means something else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from rotten import ROTTEN

from moodwire.config import Config, ConfigError, ConfigFile, parse_config
from moodwire.decision.thresholds import UnknownMoodError
from moodwire.service.controls import FILE_NAME, Controls, RefusedError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The configuration file, in which nothing is set yet."""
    path = tmp_path / "config.toml"
    path.touch()
    return path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir()
    return path


def accept(_: Config) -> None:
    """Every configuration can be put in force."""


def test_a_choice_survives_a_restart(state: Path) -> None:
    controls = Controls.read(ConfigFile(), state)
    controls.choose("hold", 7.0, accept)
    controls.mute(True)
    again = Controls.read(ConfigFile(), state)
    assert again.config().decision.hold == 7.0
    assert again.chosen.muted


def test_whoever_edits_the_file_means_it(file: Path, state: Path) -> None:
    controls = Controls.read(ConfigFile.read(file), state)
    controls.choose("hold", 7.0, accept)
    file.write_text("[decision]\nenter = 0.7")
    controls.reload(accept)
    assert controls.config().decision.hold == 7.0, "another setting was edited"
    file.write_text("[decision]\nhold = 9.0")
    controls.reload(accept)
    assert controls.config().decision.hold == 9.0
    assert Controls.read(ConfigFile.read(file), state).config().decision.hold == 9.0


def test_what_is_being_edited_counts_when_it_is_read_anew(file: Path, state: Path) -> None:
    controls = Controls.read(ConfigFile.read(file), state)
    file.write_text('device.id = "attic"\n[decision]\nenter = 0.7')
    controls.choose("hold", 7.0, accept)
    assert controls.config().device.id == Config().device.id
    file.write_text('device.id = "attic"\n[decision')
    controls.choose("hold", 8.0, accept)
    controls.choose_profile("car", accept)
    assert controls.config() == parse_config("", profile="car")
    file.write_text('device.id = "attic"')
    controls.reload(accept)
    assert controls.config() == parse_config('device.id = "attic"', profile="car")


def test_a_file_that_is_refused_leaves_the_one_before(file: Path, state: Path) -> None:
    def refuse(_: Config) -> None:
        raise ConfigError("config.toml", [])

    controls = Controls.read(ConfigFile.read(file), state)
    for text in ('device.id = "attic"', "[decision"):
        file.write_text(text)
        with pytest.raises(ConfigError):
            controls.reload(refuse)
        assert controls.config() == Config()


def test_another_profile_brings_its_own_values(state: Path) -> None:
    controls = Controls.read(ConfigFile(), state)
    controls.mute(True)
    controls.choose("hold", 7.0, accept)
    controls.choose_profile("car", accept)
    config = Controls.read(ConfigFile(), state).config()
    assert config.profile == "car"
    assert config == parse_config("", profile="car"), "what was set at home does not count there"
    assert controls.chosen.muted, "but a mute does"


def test_what_contradicts_other_settings_is_refused_and_not_kept(state: Path) -> None:
    controls = Controls.read(ConfigFile(), state)
    controls.choose("threshold", 0.9, accept)
    with pytest.raises(RefusedError, match=r"decision\.exit"):
        controls.choose("threshold", 0.1, accept)
    assert Controls.read(ConfigFile(), state).config().decision.enter == 0.9


def test_what_cannot_be_put_in_force_is_not_kept(state: Path) -> None:
    def refuse(_: Config) -> None:
        raise UnknownMoodError("alert 'row': no mood 'angry'")

    controls = Controls.read(ConfigFile(), state)
    controls.choose("hold", 7.0, accept)
    before = controls.config()
    with pytest.raises(UnknownMoodError):
        controls.choose_profile("car", refuse)
    with pytest.raises(UnknownMoodError):
        controls.choose("hold", 9.0, refuse)
    assert controls.config() == before
    assert Controls.read(ConfigFile(), state).config() == before


def test_whatever_is_accepted_is_in_force(state: Path) -> None:
    controls = Controls.read(ConfigFile("[decision]\nenter = 0.44\nexit = 0.4"), state)
    controls.choose("exit_threshold", 0.2, accept)
    controls.choose("threshold", 0.3, accept)
    with pytest.raises(RefusedError, match=r"decision\.exit"):
        controls.choose("exit_threshold", 0.35, accept)
    decision = controls.config().decision
    assert (decision.enter, decision.exit) == (0.3, 0.2)


def test_what_a_file_made_impossible_is_not_revived_by_another_choice(
    file: Path, state: Path
) -> None:
    file.write_text("[decision]\nenter = 0.44\nexit = 0.2")
    controls = Controls.read(ConfigFile.read(file), state)
    controls.choose("threshold", 0.3, accept)
    file.write_text("[decision]\nenter = 0.44\nexit = 0.35")
    controls.reload(accept)
    controls.choose("exit_threshold", 0.4, accept)
    decision = controls.config().decision
    assert (decision.enter, decision.exit) == (0.44, 0.4)


@pytest.mark.parametrize("content", ROTTEN.values(), ids=ROTTEN)
def test_a_damaged_file_is_believed_to_say_mute(state: Path, content: bytes) -> None:
    (state / FILE_NAME).write_bytes(content)
    assert Controls.read(ConfigFile(), state).chosen.muted


def test_a_full_disk_leaves_in_force_what_cannot_be_kept(state: Path) -> None:
    controls = Controls.read(ConfigFile(), state / "nowhere")
    with pytest.raises(OSError, match="No such file"):
        controls.choose("hold", 7.0, accept)
    assert controls.config().decision.hold == 7.0


def test_nothing_is_written_until_somebody_sets_something(state: Path) -> None:
    Controls.read(ConfigFile(), state).config()
    assert list(state.iterdir()) == []
    Controls.read(ConfigFile(), state).choose("hold", 1.0, accept)
    assert [each.name for each in state.iterdir()] == [FILE_NAME]
    msgspec.json.decode((state / FILE_NAME).read_bytes())
