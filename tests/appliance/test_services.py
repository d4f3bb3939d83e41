"""systemd's own tools on the units, and the profiles against the types that they come from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from moodwire.config import PROFILE_NAMES, ProfileName, load_config
from moodwire.config.text import example

REPOSITORY = Path(__file__).parents[2]
SYSTEMD = REPOSITORY / "systemd"
FIRMWARE = REPOSITORY / "firmware_config"

SCRIPTS = sorted(FIRMWARE.rglob("*.sh")) + sorted(FIRMWARE.glob("debian/*"))

MOST_EXPOSED = 15
"""Tenths, as systemd-analyze counts the threshold."""

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """As they are, but for a program that is here too."""
    copies = tmp_path / "units"
    shutil.copytree(SYSTEMD, copies)
    for unit in copies.glob("*.service"):
        unit.write_text(unit.read_text().replace("/opt/moodwire/current/bin/moodwire", "/bin/true"))
    return copies


@needs_systemd
@pytest.mark.parametrize("unit", ["moodwire.service", "moodwire@kitchen.service"])
def test_the_unit_is_understood_without_a_word(units: Path, unit: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", units / unit],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_the_state_that_outlives_a_read_only_root_is_mounted_by_a_unit(tmp_path: Path) -> None:
    """What /etc/fstab mounts is covered by overlayroot, as raspi-config asks for it."""
    lines = (FIRMWARE / "boot/read-only-root.txt").read_text().splitlines()
    begin = lines.index("#    /etc/systemd/system/var-lib-moodwire.mount:")
    unit = tmp_path / "var-lib-moodwire.mount"
    unit.write_text("\n".join(line[5:] for line in lines[begin + 1 : lines.index("#", begin)]))

    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert unit.read_text().endswith("WantedBy=local-fs.target")


@needs_systemd
@pytest.mark.parametrize("unit", ["moodwire.service", "moodwire@.service"])
def test_the_sandbox_leaves_little_open(units: Path, unit: str) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager"]
    done = subprocess.run(
        [*command, f"--threshold={MOST_EXPOSED}", units / unit],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-500:]
    assert "PrivateDevices" in done.stdout


def test_the_template_shares_every_drop_in_with_the_single_unit() -> None:
    single, template = (SYSTEMD / f"{name}.d" for name in ("moodwire.service", "moodwire@.service"))

    assert {each.name for each in single.iterdir()} == {each.name for each in template.iterdir()}
    assert all(each.resolve().parent == single.resolve() for each in template.iterdir())


@pytest.mark.parametrize("profile", PROFILE_NAMES)
def test_a_profile_is_what_the_types_say(profile: ProfileName) -> None:
    file = FIRMWARE / "profiles" / f"{profile}.toml"

    assert file.read_text() == example(profile), "run: make profiles"
    assert load_config(file).profile == profile


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_can_be_parsed(script: Path) -> None:
    shell = "bash" if "bash" in script.read_text().splitlines()[0] else "sh"

    subprocess.run([shell, "-n", script], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="install.sh wants root")
@pytest.mark.parametrize("listed", ["0" * 64 + "  moodwire.deb\n", ""], ids=["other", "missing"])
def test_a_package_that_did_not_arrive_whole_is_not_given_to_apt(
    tmp_path: Path, listed: str
) -> None:
    (tmp_path / "moodwire.deb").write_bytes(b"cut short")
    (tmp_path / "SHA256SUMS").write_text(listed)

    done = subprocess.run(
        [FIRMWARE / "install.sh", tmp_path / "moodwire.deb"], capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "is not what SHA256SUMS beside it says" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="install.sh wants root")
@pytest.mark.parametrize("online", [True, False])
def test_a_fresh_image_is_told_first_which_packages_there_are(tmp_path: Path, online: bool) -> None:
    asked = tmp_path / "asked"
    apt = tmp_path / "apt-get"
    apt.write_text(f'#!/bin/sh\necho "$1" >>{asked}\n[ "$1" != update ] || {str(online).lower()}\n')
    apt.chmod(0o755)
    (tmp_path / "moodwire.deb").touch()

    subprocess.run(
        [FIRMWARE / "install.sh", tmp_path / "moodwire.deb"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        check=True,
    )

    assert asked.read_text().split() == ["update", "install"]


def test_what_sharing_a_microphone_takes_off_the_sandbox_is_on_it() -> None:
    """ALSA's dsnoop gives its shared memory to a group, which a service must be let do."""
    ours = (FIRMWARE / "alsa/moodwire.conf").read_text()
    sandbox = (SYSTEMD / "moodwire.service.d/20-sandbox.conf").read_text().splitlines()
    taken_off = re.findall(r"^#(\w+)=no$", ours, re.MULTILINE)

    assert "ipc_gid audio" in ours
    assert taken_off == ["PrivateUsers", "RemoveIPC"]
    assert all(f"{each}=yes" in sandbox for each in taken_off)


@pytest.mark.skipif(not shutil.which("arecord"), reason="alsa-utils is not installed")
@pytest.mark.parametrize("name", ["moodwire_usb", "moodwire_i2s"])
def test_alsa_understands_the_shared_microphone_down_to_the_card(tmp_path: Path, name: str) -> None:
    """There is no card here: being asked for it, and for the right one, is as far as it goes."""
    configuration = tmp_path / "alsa.conf"
    ours = FIRMWARE / "alsa/moodwire.conf"
    configuration.write_text(f"</usr/share/alsa/alsa.conf>\n<{ours}>\n")
    environment = {"ALSA_CONFIG_PATH": str(configuration), "MOODWIRE_CARD": "NoSuchCard"}

    listed = subprocess.run(["arecord", "-L"], env=environment, capture_output=True, text=True)
    opened = subprocess.run(
        ["arecord", "-D", name, "-d", "1", "/dev/null"],
        env=environment,
        capture_output=True,
        text=True,
    )

    assert name in listed.stdout.splitlines()
    assert "NoSuchCard" in opened.stderr
    assert "Unknown field" not in opened.stderr
