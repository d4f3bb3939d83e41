"""The package's `activate`, run in a folder instead of the system, with versions that are stubs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ACTIVATE = Path(__file__).parents[2] / "firmware_config/debian/activate"

AS_SERVICE = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift && exec "$@"
"""

PROGRAM = """#!/bin/sh
case $1 in {fails}) exit 3 ;; esac
"""

SYSTEMCTL = """#!/bin/sh
case $1 in
list-units) echo "moodwire.service loaded active running" ;;
enable) touch {home}/../enabled ;;
restart)
    [ -e {home}/../enabled ] && echo "$2" >>{home}/../restarted
    if [ -e {home}/../cut ]; then rm {home}/../cut && kill -KILL $PPID; fi
    [ "$(readlink {home}/current)" != versions/{unready} ]
    ;;
esac
"""

MAKES_ENVIRONMENT = """#!/bin/sh
mkdir -p "$3/bin"
for program in pip python moodwire; do
    echo '#!/bin/sh' >"$3/bin/$program"
    chmod +x "$3/bin/$program"
done
"""

ACCEPTED = "nothing"


@dataclass(frozen=True)
class Device:
    """A root file system with as much in it as `activate` touches."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "opt/moodwire"

    def has(self, number: str, *links: str, fails: str = ACCEPTED, works: bool = True) -> str:
        """A version that was built before, and the links that lead to it."""
        name = f"{number}-{hashlib.sha256(number.encode()).hexdigest()[:8]}"
        program = self.home / "versions" / name / "bin/moodwire"
        program.parent.mkdir(parents=True, exist_ok=True)
        executable(program, PROGRAM.format(fails=fails))
        executable(program.with_name("python"), "#!/bin/sh\n" + ("" if works else "exit 1\n"))
        (program.parents[1] / ".complete").touch()
        for link in links:
            (self.home / link).symlink_to(f"versions/{name}")
        return name

    def runs_systemd(self, unready: str = "none", cut: bool = False) -> None:
        """`cut`: the first to restart the service is killed then, as by a pulled plug."""
        if cut:
            (self.root / "opt/cut").touch()
        (self.root / "run/systemd/system").mkdir(parents=True)
        executable(self.root / "bin/udevadm", "#!/bin/sh\n")
        executable(self.root / "bin/systemctl", SYSTEMCTL.format(home=self.home, unready=unready))

    def install(self, number: str) -> subprocess.CompletedProcess[str]:
        """What dpkg does for the package of a version: lay out its wheel, and activate it."""
        wheel = self.root / f"usr/lib/moodwire/wheels/moodwire-{number}-py3-none-any.whl"
        wheel.write_text(number)
        return self.activate()

    def activate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        told, complaint = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, told, complaint)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        script = self.root / "activate"
        text = ACTIVATE.read_text()
        for place in ("/opt/moodwire", "/usr/lib/moodwire", "/etc/moodwire", "/run/systemd"):
            assert place in text
            text = text.replace(place, f"{self.root}{place}")
        executable(script, text)
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        return subprocess.Popen(
            ["sh", script, *arguments],
            env={"PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def versions(self) -> set[str]:
        return {each.name for each in (self.home / "versions").iterdir()}

    def version_of(self, link: str) -> str:
        return (self.home / link).readlink().name


def executable(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    for folder in ("bin", "usr/lib/moodwire/wheels", "etc/moodwire"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/moodwire/config.toml").touch()
    executable(tmp_path / "bin/runuser", AS_SERVICE)
    return Device(tmp_path)


def test_a_new_version_takes_over_and_two_are_kept(device: Device) -> None:
    device.has("1", "previous")
    second = device.has("2", "current")
    third = device.has("3")

    done = device.install("3")

    assert (done.returncode, done.stderr) == (0, "")
    assert (device.version_of("current"), device.version_of("previous")) == (third, second)
    assert device.versions == {third, second}


def test_an_environment_that_no_longer_works_is_built_anew(device: Device) -> None:
    """As after an upgrade of Debian, whose new Python finds nothing of what the old one had."""
    current = device.has("2", "current", fails="selftest", works=False)
    executable(device.root / "bin/python3", MAKES_ENVIRONMENT)

    done = device.install("2")

    assert (done.returncode, done.stderr) == (0, "")
    assert device.version_of("current") == current


@pytest.mark.parametrize("fails", ["selftest", "config"])
def test_a_new_version_that_fails_is_removed_and_no_other(device: Device, fails: str) -> None:
    kept = {device.has("1", "previous"), current := device.has("2", "current")}
    new = device.has("3", fails=fails)

    done = device.install("3")

    assert done.returncode == 1
    assert f"version {new} is not used" in done.stderr
    assert f"{current} stays in place" in done.stderr
    assert device.versions == kept
    assert device.version_of("current") == current


@pytest.mark.parametrize("fails", ["selftest", "config"])
@pytest.mark.parametrize("again", ["1", "2"], ids=["previous", "current"])
def test_what_runs_and_what_it_can_go_back_to_survive_a_failing_reinstallation(
    device: Device, again: str, fails: str
) -> None:
    first = device.has("1", "previous", fails=fails)
    second = device.has("2", "current", fails=fails)

    done = device.install(again)

    assert done.returncode == 1
    assert f"{second} stays in place" in done.stderr
    assert device.versions == {first, second}
    assert (device.version_of("current"), device.version_of("previous")) == (second, first)


def test_going_back_by_a_package_that_never_becomes_ready_keeps_both(device: Device) -> None:
    first, second = device.has("1", "previous"), device.has("2", "current")
    device.runs_systemd(unready=first)

    done = device.install("1")

    assert done.returncode == 1
    assert "its service does not become ready" in done.stderr
    assert device.versions == {first, second}
    assert (device.version_of("current"), device.version_of("previous")) == (second, first)


def test_going_back_swaps_the_two_versions(device: Device) -> None:
    older, newer = device.has("1", "previous"), device.has("2", "current")

    done = device.activate("rollback")

    assert (done.returncode, done.stderr) == (0, "")
    assert (device.version_of("current"), device.version_of("previous")) == (older, newer)


def test_going_back_to_what_does_not_start_is_told(device: Device) -> None:
    older = device.has("1", "previous")
    device.has("2", "current")
    device.runs_systemd(unready=older)

    done = device.activate("rollback")

    assert done.returncode == 1
    assert f"version {older} is in place again, but its service does not become" in done.stderr
    assert device.version_of("current") == older


def test_a_first_installation_that_was_cut_short_is_enabled_and_started_by_the_next(
    device: Device,
) -> None:
    version = device.has("1")
    device.runs_systemd(cut=True)
    assert device.install("1").returncode < 0
    (device.root / "opt/enabled").unlink()  # it may have been cut short before that, too

    done = device.activate()

    assert (done.returncode, done.stderr) == (0, "")
    assert device.version_of("current") == version
    assert (device.root / "opt/restarted").read_text().split()[-1] == "moodwire.service"
    assert (device.root / "opt/enabled").exists()


@pytest.mark.parametrize("ready", [True, False], ids=["ready", "unready"])
def test_what_ran_before_an_update_that_was_cut_short_is_not_lost(
    device: Device, ready: bool
) -> None:
    device.has("1", "previous")
    second, third = device.has("2", "current"), device.has("3")
    device.runs_systemd(unready="none" if ready else third, cut=True)
    assert device.install("3").returncode < 0

    done = device.activate()

    assert done.returncode == (0 if ready else 1)
    assert second in device.versions
    assert device.version_of("previous" if ready else "current") == second
    assert not (device.home / "before").is_symlink()


def test_going_back_from_an_update_that_was_cut_short(device: Device) -> None:
    first = device.has("1", "previous")
    second = device.has("2", "current")
    device.has("3")
    device.runs_systemd(cut=True)
    assert device.install("3").returncode < 0

    done = device.activate("rollback")

    assert (done.returncode, done.stderr) == (0, "")
    assert (device.version_of("current"), device.version_of("previous")) == (second, first)


@pytest.mark.parametrize("full", ["venv", "pip", "sync"])
def test_what_fits_not_on_the_disk_takes_no_room_on_it(device: Device, full: str) -> None:
    """Half of a new version would leave none for what the running one has to write."""
    current = device.has("1", "current")
    fails = {each: "exit 1" if each == full else "" for each in ("venv", "pip", "sync")}
    making = MAKES_ENVIRONMENT + f"echo '{fails['pip']}' >>\"$3/bin/pip\"\n{fails['venv']}\n"
    executable(device.root / "bin/python3", making)
    executable(device.root / "bin/sync", f"#!/bin/sh\n{fails['sync']}\n")

    done = device.install("2")

    assert done.returncode == 1
    assert "the space that is left" in done.stderr
    assert device.versions == {current}
    assert device.version_of("current") == current


def test_two_at_once_do_not_build_into_one_another(device: Device) -> None:
    device.has("1", "previous")
    device.has("2", "current")
    lock = device.home / ".lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waits = device.start("rollback")
        assert waits.stdout
        assert "waiting for another" in waits.stdout.readline()
        assert waits.poll() is None
    waits.communicate()
    assert waits.returncode == 0
