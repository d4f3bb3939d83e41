"""A Raspberry Pi made of files: every state of the machine that doctor should notice."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from moodwire.audio.devices import InputDevice
from moodwire.config import Config, ConfigFile, Paths
from moodwire.diagnostics import microphone, service, settings, system
from moodwire.diagnostics.finding import Finding, Grade
from moodwire.diagnostics.subject import Subject, subject
from moodwire.publish import clock
from moodwire.service.controls import Controls
from moodwire.web.passwords import hash_password

SOUND_PI = {
    "proc/meminfo": "MemTotal: 500000 kB\nMemAvailable: 300000 kB\n",
    "proc/mounts": "/dev/mmcblk0p2 / ext4 rw,noatime 0 0\n",
    "proc/swaps": "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 5\n",
    "run/systemd/timesync/synchronized": "",
    "sys/class/thermal/thermal_zone0/temp": "48300\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
}


def machine(root: Path, **changed: str) -> dict[str, Finding]:
    for name, content in {**SOUND_PI, **changed}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    config = Config(paths=Paths(state=str(root)))
    about = Subject(config, None, root=root)
    return {finding.name: finding for finding in system.look(about)}


def test_a_sound_pi_has_no_fault(tmp_path: Path) -> None:
    found = machine(tmp_path)

    assert {name for name, finding in found.items() if finding.grade is not Grade.FINE} == set()
    assert set(found) == {"clock", "temperature", "power", "memory", "disk", "SD card"}


@pytest.mark.parametrize(
    ("file", "content", "name", "words"),
    [
        ("proc/meminfo", "MemAvailable: 50000 kB\n", "memory", "48 MiB"),
        ("sys/class/thermal/thermal_zone0/temp", "78000", "temperature", "78 degrees"),
        (
            "sys/devices/platform/soc/soc:firmware/get_throttled",
            "50005\n",
            "power",
            "under-voltage now, throttled now, under-voltage since boot, throttled since boot",
        ),
        ("proc/mounts", "/dev/mmcblk0p2 / ext4 rw 0 0\n", "SD card", "noatime"),
        ("proc/swaps", "Filename\n/var/swap file 1 0 -2\n", "SD card", "swap lies on the card"),
        ("var/log/journal/x", "", "SD card", "journal is kept on the card"),
    ],
)
def test_what_is_not_as_it_should_be_is_named(
    tmp_path: Path, file: str, content: str, name: str, words: str
) -> None:
    found = machine(tmp_path, **{file: content})[name]

    assert found.grade is Grade.WARNING
    assert words in found.seen
    assert found.remedy


def test_a_clock_that_was_never_set_is_named(tmp_path: Path) -> None:
    machine(tmp_path)
    (tmp_path / "run/systemd/timesync/synchronized").unlink()

    about = Subject(Config(paths=Paths(state=str(tmp_path))), None, root=tmp_path)

    assert next(iter(system.look(about))).grade is Grade.WARNING


@pytest.mark.parametrize(("protected", "grade"), [("yes", Grade.WARNING), ("no", Grade.FINE)])
def test_a_clock_that_the_service_may_not_ask_for_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protected: str, grade: Grade
) -> None:
    """As with chrony: whoever runs doctor sees a clock that is right, the service does not."""
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    fake_systemctl(tmp_path / "bin", f"ProtectClock={protected}", monkeypatch)
    monkeypatch.setattr(clock, "_kernel_clock_status", lambda: 0)

    about = Subject(Config(paths=Paths(state=str(tmp_path))), None, root=tmp_path)

    assert next(iter(system.look(about))).grade is grade


def fake_systemctl(folder: Path, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "systemctl").write_text(f"#!/bin/sh\necho '{shown}'\n")
    (folder / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


PLAYS_AND_RECORDS = "00-00: bcm2835 : bcm2835 : playback 8\n01-00: USB Audio : USB : capture 1\n"


def usb_microphone(root: Path, status: str = "closed\n") -> list[microphone.Card]:
    for name, content in {
        "proc/asound/pcm": PLAYS_AND_RECORDS,
        "proc/asound/card1/pcm0c/sub0/status": status,
        "dev/snd/pcmC1D0c": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return microphone.kernel_cards(root)


def test_only_cards_that_record_count(tmp_path: Path) -> None:
    assert usb_microphone(tmp_path) == [microphone.Card(1, 0, "USB Audio")]


def test_a_microphone_that_portaudio_does_not_see_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usb_microphone(tmp_path, "state: RUNNING\nowner_pid   : 1234\n")
    monkeypatch.setattr(
        microphone, "list_devices", lambda root: [InputDevice("default", 0, 2, 44100)]
    )

    found = {f.name: f for f in microphone.look(Subject(Config(), None, root=tmp_path))}

    assert found["PortAudio"].grade is Grade.WARNING
    assert "hw:1,0 USB Audio: process 1234 records from it" in found["PortAudio"].seen


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_missing_rights_are_told_before_anything_is_opened() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders keep others out
        root = Path(folder)
        root.chmod(0o755)
        usb_microphone(root)
        (root / "dev/snd/pcmC1D0c").chmod(0o660)
        child = os.fork()
        if not child:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            found = [f.name for f in microphone.look(Subject(Config(), None, root=root))]
            os._exit(0 if found == ["ALSA", "permission"] else 1)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_password_that_all_can_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[mqtt]\nusername = "kitchen"\npassword = "hush"\n')
    file.chmod(0o644)

    found = {finding.name: finding for finding in settings.look(subject(file))}

    assert found["secrets"].grade is Grade.WARNING
    assert "hush" not in str(found)


def test_the_password_of_the_page_is_looked_for(tmp_path: Path) -> None:
    file, password = tmp_path / "config.toml", tmp_path / "web-password"
    file.write_text(f'[web]\nenabled = true\naddress = "0.0.0.0"\npassword_file = "{password}"\n')
    (_, missing) = settings.look(subject(file))
    assert (missing.name, missing.grade) == ("secrets", Grade.BROKEN)
    assert f"web.password_file: {password}" in str(missing)

    password.write_text("kitchen table")
    (refused,) = [each for each in settings.look(subject(file)) if each.grade is Grade.BROKEN]
    assert "this is not a hash" in str(refused)
    assert "kitchen table" not in str(refused)

    password.write_text(hash_password("kitchen table"))
    assert [found.grade for found in settings.look(subject(file))] == [Grade.FINE]


def test_without_systemd_the_service_is_not_blamed(tmp_path: Path) -> None:
    assert [f.grade for f in service.look("moodwire.service", tmp_path)] == [Grade.SKIPPED]


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        (None, "moodwire.service"),
        ("/etc/moodwire/config.toml", "moodwire.service"),
        ("/etc/moodwire/kitchen.toml", "moodwire@kitchen.service"),
        ("/home/pi/try.toml", "moodwire.service"),
    ],
)
def test_the_service_that_is_looked_at_is_that_of_the_configuration(
    path: str | None, unit: str
) -> None:
    """Or that of another microphone would be found to be fine, or to be started."""
    assert Subject(Config(), None, config_path=path and Path(path)).unit == unit


def test_of_a_service_that_does_not_run_nothing_else_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As systemctl shows a stopped one: without the watchdog that its unit asks for."""
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    shown = "LoadState=loaded\nActiveState=inactive\nSubState=dead\nWatchdogUSec=0\nNRestarts=0"
    fake_systemctl(tmp_path / "bin", shown, monkeypatch)

    assert [f.name for f in service.look("moodwire.service", tmp_path)] == ["unit"]


def test_a_mute_from_afar_is_told_and_respected(tmp_path: Path) -> None:
    """Or a microphone that hears well would be all that is said of a deaf device."""
    file = tmp_path / "config.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}"\n')
    Controls(ConfigFile(), tmp_path).mute(True)
    (found,) = microphone.look(subject(file))
    assert (found.grade, "not opened" in found.seen) == (Grade.WARNING, True)
    assert "moodwire/moodwire/set/mute" in found.remedy


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_who_may_not_know_of_a_mute_is_told_so() -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        state.chmod(0o755)
        file = state / "config.toml"
        file.write_text(f'[paths]\nstate = "{state}"\n')
        Controls(ConfigFile(), state).mute(False)
        (state / "controls.json").chmod(0o600)
        child = os.fork()
        if not child:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            (found,) = microphone.look(subject(file))
            os._exit(0 if (found.grade, "sudo" in found.seen) == (Grade.SKIPPED, True) else 1)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
