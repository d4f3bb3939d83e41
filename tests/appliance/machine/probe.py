"""Runs within the service's sandbox and tries what it must not be able to do."""

import ctypes
import json
import mmap
import os
import pathlib
import socket
import subprocess
import sys
from collections.abc import Callable


def attempt(action: Callable[[], object]) -> str:
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return "done"


def write(path: str) -> Callable[[], object]:
    return lambda: pathlib.Path(path).write_text("x")


def infer() -> None:
    from moodwire.model import Classifier, load_bundle

    bundle = load_bundle()
    Classifier(bundle).run_quantised(bundle.golden_inputs[0])


ATTEMPTS: dict[str, Callable[[], object]] = {
    "write state": write(f"{os.environ['STATE_DIRECTORY']}/probe"),
    "write /etc": write("/etc/moodwire/probe"),
    "write /opt": write("/opt/moodwire/probe"),
    "write /usr": write("/usr/probe"),
    "write /var/lib": write("/var/lib/probe"),
    "write /home": write("/home/probe"),
    "write /run": write("/run/probe"),
    "read the passwords": lambda: pathlib.Path("/etc/moodwire/credentials/password").read_text(),
    "read shadow": lambda: pathlib.Path("/etc/shadow").read_text(),
    "write and execute memory": lambda: mmap.mmap(
        -1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    ),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "become root": lambda: os.setuid(0),
    "new namespace": lambda: os.unshare(os.CLONE_NEWUSER) if sys.version_info >= (3, 12) else 1 / 0,
    "set the clock": lambda: __import__("time").clock_settime(0, 1),
    "execute from state": lambda: subprocess.run([f"{os.environ['STATE_DIRECTORY']}/probe"]),
    "inference": infer,
}

result = {name: attempt(action) for name, action in ATTEMPTS.items()}
result["credential"] = pathlib.Path(
    os.environ["CREDENTIALS_DIRECTORY"], "mqtt_password"
).read_text()
result["processes seen"] = sum(each.name.isdecimal() for each in pathlib.Path("/proc").iterdir())
result["seccomp"] = "Seccomp:\t2" in pathlib.Path("/proc/self/status").read_text()
result["core limit"] = __import__("resource").getrlimit(4)[0]
assert ctypes.sizeof(ctypes.c_long) == 8
pathlib.Path(os.environ["STATE_DIRECTORY"], "probe.json").write_text(json.dumps(result))
