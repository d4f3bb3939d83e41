"""Runs as root within the booted machine: installs, breaks and mends; writes down what it saw.

It judges nothing: /in/seen.json goes to the test outside.
"""

import http.client
import json
import pathlib
import subprocess
import time
import traceback
from collections.abc import Callable

SEEN: dict[str, object] = {}
UNIT = "moodwire.service"
CONFIG = pathlib.Path("/etc/moodwire/config.toml")
TOPIC = "moodwire/pi"


def sh(command: str, timeout: float = 240) -> str:
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=timeout, check=False
    )
    return (done.stdout + done.stderr).strip() + (
        "" if not done.returncode else f"\nrc={done.returncode}"
    )


def show(name: str, unit: str = UNIT) -> str:
    return sh(f"systemctl show {unit} -P {name}")


def until(done: Callable[[], bool], seconds: float) -> float:
    """How long it took; infinite if it did not happen."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if done():
            return round(time.monotonic() - begun, 2)
        time.sleep(0.05)
    return float("inf")


def retained(topic: str) -> str:
    return sh(f"mosquitto_sub -u pi -P hush -t {TOPIC}/{topic} -C 1 -W 2")


def prepare() -> None:
    """A microphone, a broker with a password, and waits that do not take half a minute."""
    pathlib.Path("/etc/asound.conf").write_text(
        "pcm.!default { type pulse server unix:/run/pulse/native device vmic }\n"
        "ctl.!default { type pulse server unix:/run/pulse/native }\n"
        "pcm.vmic { type pulse server unix:/run/pulse/native device vmic\n"
        '           hint { show on description "Virtual microphone" } }\n'
    )
    sh("cd /etc/mosquitto; touch pw; chown mosquitto pw; mosquitto_passwd -b pw pi hush")
    pathlib.Path("/etc/mosquitto/conf.d/test.conf").write_text(
        "listener 1883 127.0.0.1\nallow_anonymous false\npassword_file /etc/mosquitto/pw\n"
    )
    SEEN["broker"] = sh("systemctl restart mosquitto; sleep 1; systemctl is-active mosquitto sound")
    quick = pathlib.Path(f"/etc/systemd/system/{UNIT}.d")
    quick.mkdir(parents=True)
    (quick / "quick.conf").write_text(
        "[Service]\nWatchdogSec=6\nRestartSec=0.5\nTimeoutStartSec=10\n"
    )


def install() -> None:
    CONFIG.parent.mkdir()
    credentials = CONFIG.parent / "credentials"
    credentials.mkdir(mode=0o700)
    (credentials / "password").write_text("hush\n")
    CONFIG.write_text(
        '# my own line\n[device]\nid = "pi"\n[mqtt]\nusername = "pi"\n[microphone]\nname = "vmic"\n'
    )
    begun = time.monotonic()
    SEEN["install"] = sh("apt-get install -y /in/moodwire.deb")
    SEEN["install seconds"] = round(time.monotonic() - begun, 1)
    sh(f"chown root:moodwire {CONFIG}; chmod 0640 {CONFIG}")
    SEEN["selftest"] = sh("moodwire selftest")
    if show("ActiveState") != "active":
        raise RuntimeError(sh(f"journalctl -u {UNIT} --no-pager -o cat"))


def ready() -> None:
    SEEN["active"] = [show(name) for name in ("ActiveState", "UnitFileState", "User", "Type")]
    started, active = (
        int(show(name) or 0)
        for name in ("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    )
    SEEN["ready seconds"] = round((active - started) / 1e6, 2)
    SEEN["live seconds"] = until(lambda: retained("source") == "live", 30)
    SEEN["status"] = show("StatusText")
    SEEN["availability"] = retained("availability")
    SEEN["log"] = sh(f"journalctl -u {UNIT} --no-pager -o cat | tail -30")


def hear() -> None:
    """A synthetic voice: whatever mood the model hears in it, speech it must be."""
    sh("moodwire sample /tmp/sample.wav")
    SEEN["told while speaking"] = sh(
        f"timeout 60 mosquitto_sub -u pi -P hush -v -t {TOPIC}/speech -t {TOPIC}/mood & heard=$!; "
        "sleep 0.5; "
        "timeout 40 paplay --server unix:/run/pulse/native --device=vspk /tmp/sample.wav; "
        "kill $heard; wait"
    )


def watch() -> None:
    time.sleep(13)
    SEEN["restarts after two watchdog periods"] = show("NRestarts")
    sh("systemctl kill --signal=STOP sound.service")
    SEEN["frozen sound told seconds"] = until(lambda: retained("source") not in ("live", ""), 30)
    SEEN["frozen sound source"] = retained("source")
    SEEN["restarts with frozen sound"] = show("NRestarts")
    sh("systemctl kill --signal=CONT sound.service")
    SEEN["sound back seconds"] = until(lambda: retained("source") == "live", 60)
    SEEN["frozen daemon restarted seconds"] = restarted(lambda: sh(f"kill -STOP {show('MainPID')}"))
    SEEN["watchdog log"] = sh(
        f"journalctl -u {UNIT} --no-pager -o cat | grep -i watchdog | tail -3"
    )
    SEEN["killed daemon restarted seconds"] = [
        restarted(lambda: sh(f"kill -KILL {show('MainPID')}")) for _ in range(7)
    ]


def press() -> None:
    """Starting anew is no stop: systemd must not kill it for not ending (TimeoutStopSec)."""
    before = show("NRestarts"), show("MainPID")
    sh(f"mosquitto_pub -u pi -P hush -t {TOPIC}/set/restart -m PRESS")
    log = f"journalctl -u {UNIT} --no-pager -o cat"
    SEEN["restart asked seconds"] = until(lambda: "starting anew" in sh(log), 30)
    SEEN["live after restart seconds"] = until(
        lambda: show("ActiveState") == "active" and retained("source") == "live", 60
    )
    time.sleep(12)
    SEEN["same process after restart"] = (show("NRestarts"), show("MainPID")) == before
    SEEN["after restart"] = [show("ActiveState"), show("SubState"), retained("availability")]


def restarted(harm: Callable[[], object]) -> float:
    before = show("InvocationID")
    harm()
    return until(lambda: show("InvocationID") != before and show("ActiveState") == "active", 40)


def sandbox() -> None:
    unit = pathlib.Path("/etc/systemd/system/moodwire-probe.service")
    unit.write_text(
        "[Service]\nStateDirectory=moodwire\n"
        "ExecStart=/opt/moodwire/current/bin/python /in/probe.py\n"
    )
    drops = pathlib.Path(f"{unit}.d")
    drops.mkdir()
    for conf in pathlib.Path("/usr/lib/systemd/system/moodwire.service.d").glob("*.conf"):
        (drops / conf.name).symlink_to(conf)
    (drops / "30-once.conf").write_text("[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\n")
    SEEN["probe run"] = sh(
        "systemctl daemon-reload; systemctl start moodwire-probe; "
        "journalctl -u moodwire-probe --no-pager -o cat | tail -20"
    )
    SEEN["probe"] = json.loads(pathlib.Path("/var/lib/moodwire/probe.json").read_text())
    SEEN["memory peak"] = show("MemoryPeak")
    SEEN["security"] = sh(f"systemd-analyze security --no-pager {UNIT} | tail -1")
    SEEN["verify"] = sh("systemd-analyze verify --man=no moodwire.service moodwire@kitchen.service")
    SEEN["udev verify"] = sh("udevadm verify /usr/lib/udev/rules.d/85-moodwire.rules")


def page() -> None:
    """What the daemon starts for its page runs within the same sandbox: decoder and self-test."""
    without = CONFIG.read_text()
    CONFIG.write_text(without + "[web]\nenabled = true\n")
    sh(f"systemctl restart {UNIT}")
    until(lambda: fetch("/healthz")[0] == 200, 20)
    token = {"X-CSRF": fetch("/try")[1].split('data-csrf="', 1)[1].split('"', 1)[0]}
    recording = pathlib.Path("/tmp/sample.wav").read_bytes()
    begun = time.monotonic()
    SEEN["recording judged"] = fetch("/recordings", recording, token)
    SEEN["recording seconds"] = round(time.monotonic() - begun, 1)
    SEEN["self-test on the page"] = fetch("/selftest", b"", token)
    SEEN["restarts with the page"] = show("NRestarts")
    SEEN["memory peak with the page"] = show("MemoryPeak")
    CONFIG.write_text(without)
    sh(f"systemctl restart {UNIT}")


def fetch(
    path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", 8377, timeout=60)
    try:
        connection.request("POST" if body is not None else "GET", path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    except ConnectionRefusedError:
        return 0, ""
    finally:
        connection.close()


def several() -> None:
    text = CONFIG.read_text().replace('id = "pi"', 'id = "kitchen"')
    other = CONFIG.with_name("kitchen.toml")
    other.write_text(text)
    sh(f"chown root:moodwire {other}; chmod 0640 {other}")
    SEEN["template"] = sh("systemctl start moodwire@kitchen; systemctl is-active moodwire@kitchen")
    SEEN["template state"] = sh("stat -c '%U %a' /var/lib/moodwire/kitchen")
    SEEN["template stopped"] = sh(
        "systemctl stop moodwire@kitchen; systemctl is-failed moodwire@kitchen"
    )


def stop() -> None:
    begun = time.monotonic()
    sh(f"systemctl stop {UNIT}")
    SEEN["stop seconds"] = round(time.monotonic() - begun, 2)
    SEEN["stop result"] = show("Result")
    SEEN["offline"] = retained("availability")
    good = CONFIG.read_text()
    CONFIG.write_text(good + "[decision]\nenter = 7\n")
    sh(f"systemctl start {UNIT}")
    time.sleep(3)
    SEEN["wrong configuration"] = [show("ActiveState"), show("ExecMainStatus"), show("NRestarts")]
    SEEN["wrong configuration log"] = sh(f"journalctl -u {UNIT} --no-pager -o cat | tail -4")
    CONFIG.write_text(good)
    SEEN["doctor"] = sh(f"systemctl restart {UNIT}; sleep 4; moodwire doctor")


def upgrade() -> None:
    SEEN["before"] = sh("moodwire --version")
    SEEN["damaged upgrade"] = sh("apt-get install -y /in/moodwire_9.9.8_amd64.deb")
    SEEN["after damaged"] = sh(
        f"moodwire --version; systemctl is-active {UNIT}; ls /opt/moodwire/versions"
    )
    SEEN["sound upgrade"] = sh("apt-get install -y /in/moodwire_9.9.9_amd64.deb")
    SEEN["after sound"] = sh(
        f"moodwire --version; systemctl is-active {UNIT}; ls /opt/moodwire/versions"
    )
    SEEN["again"] = sh("apt-get install -y --reinstall /in/moodwire_9.9.9_amd64.deb")
    SEEN["unready upgrade"] = sh("apt-get install -y /in/moodwire_9.9.10_amd64.deb")
    SEEN["after unready"] = sh(
        f"moodwire --version; systemctl is-active {UNIT}; ls /opt/moodwire/versions"
    )
    SEEN["rollback"] = sh(
        f"/usr/lib/moodwire/activate rollback; moodwire --version; systemctl is-active {UNIT}"
    )
    SEEN["configuration kept"] = CONFIG.read_text()


def remove() -> None:
    SEEN["remove"] = sh("apt-get remove -y moodwire")
    SEEN["left"] = sh(
        "ls -d /opt/moodwire /usr/lib/moodwire /usr/bin/moodwire /etc/moodwire/config.toml "
        "/usr/lib/systemd/system/moodwire.service"
    )
    SEEN["purge"] = sh("apt-get purge -y moodwire")
    SEEN["left after purge"] = sh(
        "ls -d /etc/moodwire /var/lib/moodwire /opt/moodwire; id moodwire"
    )


try:
    for step in (
        prepare,
        install,
        ready,
        hear,
        watch,
        press,
        sandbox,
        page,
        several,
        stop,
        upgrade,
        remove,
    ):
        begun = time.monotonic()
        step()
        SEEN[f"{step.__name__} took"] = round(time.monotonic() - begun, 1)
        pathlib.Path("/in/seen.json").write_text(json.dumps(SEEN, indent=1))
except Exception:
    SEEN["fault"] = traceback.format_exc()
pathlib.Path("/in/seen.json").write_text(json.dumps(SEEN, indent=1))
