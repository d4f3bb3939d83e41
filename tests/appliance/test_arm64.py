"""From a bare arm64 Debian to the first mood, as on a Raspberry Pi, under qemu-user.

Bookworm takes the small package and the network, trixie the one that needs none but apt's.
"""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from userlands import CACHE, SCRIPTS, package, userland

pytestmark = pytest.mark.arm64

SCRIPT = """\
set -eu
begun=$(date +%s)
after() { echo "== $(($(date +%s) - begun)) s: $*"; }
apt-get update -qq
after "package lists"
apt-get install -y --no-install-recommends /in/moodwire.deb
after "installed"
moodwire selftest
after "self-test"
moodwire sample /tmp/sample.wav
moodwire classify /tmp/sample.wav
after "first mood"
moodwire replay --fast /tmp/sample.wav
after "replayed"
du -sm /opt/moodwire
apt-get remove -y moodwire
ls /opt/moodwire /usr/bin/moodwire || ls /etc/moodwire/config.toml
"""


@pytest.mark.parametrize(("suite", "architecture"), [("bookworm", "all"), ("trixie", "arm64")])
def test_a_bare_userland_becomes_one_that_hears_moods(suite: str, architecture: str) -> None:
    root = userland("arm64", suite)
    scratch = CACHE / "scratch" / suite
    handed = scratch.with_name(f"{suite}.in")
    handed.mkdir(parents=True, exist_ok=True)
    shutil.copy(package(architecture), handed / "moodwire.deb")
    (handed / "install.sh").write_text(SCRIPT)

    done = subprocess.run(
        [SCRIPTS / "chroot.sh", root, scratch, "bash", "/in/install.sh"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    print(f"\n{suite}, arm64 under qemu-user:")
    print(
        "\n".join(
            re.findall(r"^(?:== .*|  (?:ok|look|BROKEN).*|.*sample\.wav.*)$", done.stdout, re.M)
        )
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert "processor                  aarch64, 64 bit" in done.stdout
    assert done.stdout.count("reference kernels, bit for bit") == 2, "installation and self-test"
    assert done.stdout.count("equals the golden vectors") == 4
    assert ("installing without network" in done.stdout) == (architecture == "arm64")
    assert done.stdout.rstrip().endswith("/etc/moodwire/config.toml")
