"""The package in a machine that systemd really boots: its whole life, from installation to purge.

Everything happens in machine/inside.py, which is run once at boot and writes down what it saw.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from typing import Any

import pytest
from userlands import (
    CACHE,
    FAILS_ITS_SELF_TEST,
    IS_NEVER_READY,
    SCRIPTS,
    SYSTEMD_PACKAGES,
    other_version,
    package,
    userland,
)

pytestmark = pytest.mark.systemd

ALLOWED = {"write state", "inference"}
"""What the sandbox must let through; everything else that the probe tries must fail."""


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    root = userland("amd64", "trixie", *SYSTEMD_PACKAGES)
    scratch = CACHE / "scratch/systemd"
    handed = scratch.with_name("systemd.in")
    shutil.rmtree(handed, ignore_errors=True)
    shutil.copytree(SCRIPTS / "machine", handed)
    shutil.copy(package("amd64"), handed / "moodwire.deb")
    other_version("9.9.8", handed, FAILS_ITS_SELF_TEST)
    other_version("9.9.9", handed)
    other_version("9.9.10", handed, IS_NEVER_READY)
    subprocess.run([SCRIPTS / "boot.sh", root, scratch], timeout=900, check=False)
    told: dict[str, Any] = json.loads((handed / "seen.json").read_text())
    assert "fault" not in told, told["fault"]
    return told


def test_it_installs_without_network_and_is_ready_at_once(seen: dict[str, Any]) -> None:
    assert "installing without network" in seen["install"]
    assert seen["active"] == ["active", "enabled", "moodwire", "notify"]
    assert seen["ready seconds"] < 20
    assert seen["live seconds"] < math.inf
    assert seen["availability"] == "online", "the password came through LoadCredential"


def test_it_hears_speech_through_alsa_within_the_sandbox(seen: dict[str, Any]) -> None:
    assert "moodwire/pi/speech ON" in seen["told while speaking"]


def test_the_watchdog_is_fed_and_bites_a_hung_daemon(seen: dict[str, Any]) -> None:
    assert seen["restarts after two watchdog periods"] == "0"
    assert seen["frozen daemon restarted seconds"] < math.inf
    assert "Watchdog timeout" in seen["watchdog log"]


def test_a_hung_sound_server_is_told_and_survived(seen: dict[str, Any]) -> None:
    assert seen["frozen sound told seconds"] < math.inf
    assert seen["frozen sound source"] in ("stalled", "lost")
    assert seen["sound back seconds"] < math.inf


def test_no_number_of_crashes_makes_systemd_give_up(seen: dict[str, Any]) -> None:
    assert len(seen["killed daemon restarted seconds"]) > 5, "systemd's own limit"
    assert max(seen["killed daemon restarted seconds"]) < math.inf


def test_the_restart_button_starts_it_anew_and_systemd_lets_it(seen: dict[str, Any]) -> None:
    assert seen["restart asked seconds"] < math.inf
    assert seen["live after restart seconds"] < math.inf
    assert seen["same process after restart"]
    assert seen["after restart"] == ["active", "running", "online"]


def test_the_sandbox_holds_and_lets_the_work_through(seen: dict[str, Any]) -> None:
    probe = seen["probe"]

    assert probe.pop("credential") == "hush\n"
    assert probe.pop("processes seen") == 1
    assert probe.pop("seccomp") is True
    assert probe.pop("core limit") == 0
    assert {name for name, result in probe.items() if result == "done"} == ALLOWED


def test_the_page_judges_a_recording_within_the_sandbox(seen: dict[str, Any]) -> None:
    """Its decoder limits itself first, which the filter of system calls must let it do."""
    status, answer = seen["recording judged"]

    assert status == 200, answer
    assert json.loads(answer)["probabilities"]
    assert json.loads(seen["self-test on the page"][1])["ok"]
    assert seen["restarts with the page"] == "0"


def test_systemd_and_udev_find_no_fault(seen: dict[str, Any]) -> None:
    exposure = re.search(r"service: ([\d.]+)", seen["security"])
    assert exposure
    assert float(exposure[1]) <= 1.5
    assert seen["verify"] == ""
    assert "Fail:    0" in seen["udev verify"]


def test_a_second_microphone_lives_beside_the_first(seen: dict[str, Any]) -> None:
    assert seen["template"] == "active"
    assert seen["template state"] == "moodwire 750"


def test_it_stops_quickly_and_says_goodbye(seen: dict[str, Any]) -> None:
    assert (seen["stop result"], seen["offline"]) == ("success", "offline")
    assert seen["stop seconds"] < 10


def test_a_wrong_configuration_is_told_and_not_tried_for_ever(seen: dict[str, Any]) -> None:
    assert seen["wrong configuration"] == ["failed", "3", "0"]
    assert "decision.enter is 7" in seen["wrong configuration log"]


def test_doctor_finds_nothing_broken_on_a_sound_device(seen: dict[str, Any]) -> None:
    assert " 0 broken" in seen["doctor"]
    assert "moodwire.service is active (running), enabled" in seen["doctor"]


def test_a_damaged_update_leaves_the_old_version_running(seen: dict[str, Any]) -> None:
    assert "its self-test fails" in seen["damaged upgrade"]
    assert seen["after damaged"].splitlines()[:2] == [seen["before"], "active"]


def test_an_update_that_never_becomes_ready_gives_way_to_what_ran_before(
    seen: dict[str, Any],
) -> None:
    assert "its service does not become ready" in seen["unready upgrade"]
    version, state, *kept = seen["after unready"].splitlines()
    assert (version, state) == ("moodwire, version 9.9.9", "active")
    assert [each.partition("-")[0] for each in kept] == [seen["before"].split()[-1], "9.9.9"]


def test_updates_keep_the_configuration_and_can_be_taken_back(seen: dict[str, Any]) -> None:
    assert seen["after sound"].splitlines()[:2] == ["moodwire, version 9.9.9", "active"]
    assert "rc=" not in seen["again"]
    assert seen["rollback"].splitlines()[1:] == [seen["before"], "active"], "not the unready one"
    assert seen["configuration kept"].startswith("# my own line\n")


def test_removing_leaves_the_configuration_and_purging_nothing(seen: dict[str, Any]) -> None:
    left = [line for line in seen["left"].splitlines() if line.startswith("/")]
    assert left == ["/etc/moodwire/config.toml"]
    assert not [line for line in seen["left after purge"].splitlines() if line.startswith("/")]
    assert "no such user" in seen["left after purge"]
