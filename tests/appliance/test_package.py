"""What the package lays onto a device, and what its scripts leave when they fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
FIRMWARE = REPOSITORY / "firmware_config"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a package around a wheel that nobody looks into."""
    if not shutil.which("dpkg-deb"):
        pytest.skip("dpkg-deb is not installed")
    work = tmp_path_factory.mktemp("package")
    wheel = work / "moodwire-1.2.3-py3-none-any.whl"
    wheel.touch()
    command = [FIRMWARE / "package.sh", wheel, work]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, umask=0o077)
    root = work / "root"
    subprocess.run(["dpkg-deb", "-x", work / "moodwire_1.2.3_all.deb", root], check=True)
    return root


def test_every_program_among_the_files_can_be_run_and_nothing_else(unpacked: Path) -> None:
    files = [file for file in unpacked.rglob("*") if file.is_file() and not file.is_symlink()]
    programs = {file.name for file in files if file.read_bytes().startswith(b"#!")}

    assert {file.name for file in files if file.stat().st_mode & 0o111} == programs
    assert programs == {"activate", "certificates.sh", "in_car.py"}


def test_everybody_may_look_into_every_folder_whoever_made_the_package(unpacked: Path) -> None:
    folders = [unpacked / "usr", *(each for each in unpacked.rglob("*") if each.is_dir())]

    assert {each.stat().st_mode & 0o777 for each in folders} == {0o755}


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts, which only root may")
@pytest.mark.parametrize("mounted", [True, False])
def test_purging_leaves_no_state_and_a_partition_of_its_own_in_place(
    tmp_path: Path, mounted: bool
) -> None:
    state = tmp_path / "var/lib/moodwire"
    (state / "models").mkdir(parents=True)
    program(tmp_path / "bin/getent", "exit 2")
    text = (FIRMWARE / "debian/postrm").read_text()
    for place in ("/etc/moodwire", "/var/lib/moodwire", "/opt/moodwire", "/run/systemd"):
        assert place in text
        text = text.replace(place, f"{tmp_path}{place}")
    (tmp_path / "postrm").write_text(text)
    mount = f"mount -t tmpfs tmpfs {state} && touch {state}/controls.json &&" if mounted else ""
    check = f"&& {{ [ ! -e {state} ] || ls -A {state}; }}"

    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{mount} sh {tmp_path / 'postrm'} purge {check}"],
        env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert state.exists() == mounted


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_certificates_are_made_by_the_installed_script_as_its_configuration_says(
    unpacked: Path, tmp_path: Path
) -> None:
    folder = unpacked / "usr/share/moodwire/mosquitto"
    assert "sudo ./certificates.sh " in (folder / "moodwire.conf").read_text()

    subprocess.run(["./certificates.sh", tmp_path / "certs", "pi.local"], cwd=folder, check=True)

    assert (tmp_path / "certs/server.pem").exists()


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_certificates_that_cannot_be_renewed_stay_and_the_reason_is_told(tmp_path: Path) -> None:
    """With a key that is not its certificate's, the broker would not start again."""

    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [FIRMWARE / "mosquitto/certificates.sh", tmp_path, name]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    longest = run("a" * 63 + ".local")
    assert (longest.returncode, longest.stderr) == (0, "")
    before = [(tmp_path / name).read_bytes() for name in ("server.key", "server.pem")]
    refused = run("fe80::1%eth0")
    assert refused.returncode == 1
    assert "fe80::1%eth0" in refused.stderr
    assert before == [(tmp_path / name).read_bytes() for name in ("server.key", "server.pem")]


def test_a_profile_that_is_not_there_leaves_no_empty_configuration_behind(tmp_path: Path) -> None:
    """The next try would take it for the owner's."""
    commands = tmp_path / "bin"
    stubs = {"getent": "", "chown": "", "install": 'for last; do :; done; mkdir -p "$last"'}
    for name, line in stubs.items():
        program(commands / name, line)
    program(tmp_path / "usr/lib/moodwire/activate", "")
    shutil.copytree(FIRMWARE / "profiles", tmp_path / "usr/share/moodwire/profiles")
    text = (FIRMWARE / "debian/postinst").read_text()
    for place in ("/etc/moodwire", "/var/lib/moodwire", "/usr/share", "/usr/lib/moodwire"):
        assert place in text
        text = text.replace(place, f"{tmp_path}{place}")
    script = tmp_path / "postinst"
    script.write_text(text)
    config = tmp_path / "etc/moodwire/config.toml"

    def configure(profile: str) -> int:
        path = f"{commands}:{os.environ['PATH']}"
        environment = {"PATH": path, "MOODWIRE_PROFILE": profile}
        done = subprocess.run(
            ["sh", script, "configure"], env=environment, capture_output=True, check=False
        )
        return done.returncode

    assert configure("boat") != 0
    assert not config.exists()
    assert configure("car") == 0
    assert 'profile = "car"' in config.read_text()
    assert config.stat().st_mode & 0o777 == 0o640


def test_a_wheelhouse_needs_no_pip_but_the_environments_own(tmp_path: Path) -> None:
    """Debian's Python comes without pip; downloads are stubs that say what was asked for."""
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    (tmp_path / "firmware_config").mkdir()
    for name in ("wheelhouse.sh", "constraints.txt"):
        shutil.copy(FIRMWARE / name, tmp_path / "firmware_config")
    stubs = {
        ".venv/bin/pip": "mkdir -p build/wheel && touch build/wheel/moodwire-1-py3-none-any.whl",
        ".venv/bin/python": 'echo "$@"',
        "bin/python3": "echo 'No module named pip' >&2; exit 1",
    }
    for name, line in stubs.items():
        program(tmp_path / name, line)
    (tmp_path / ".venv/.stamps").mkdir()
    (tmp_path / ".venv/.stamps/venv").touch()

    done = subprocess.run(
        ["make", "wheelhouse"],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    asked = [line for line in done.stdout.splitlines() if line.startswith("-m pip download")]
    assert [re.findall("--python-version (\\S+)", line) for line in asked] == [["3.11"], ["3.13"]]
    assert (tmp_path / "build/wheelhouse-arm64/architecture").read_text() == "arm64\n"


def program(file: Path, line: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)
