"""Does the installation fit this machine: processor, Python, numpy, the model's runtime."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import moodwire
from moodwire.diagnostics.finding import Findings, broken, fine
from moodwire.diagnostics.subject import Subject
from moodwire.model.interpreter import RuntimeMissingError, runtime_package
from moodwire.publish.hardware import board

MACHINES = ("aarch64", "x86_64")
IMAGE = "use the 64-bit image of Raspberry Pi OS; Pi 3, Zero 2 W, 4 and 5 all run it"


def look(about: Subject) -> Findings:
    bits = 64 if sys.maxsize > 2**32 else 32
    seen = f"{platform.machine()}, {bits} bit, {board(about.root) or 'not a Raspberry Pi'}"
    if platform.machine() in MACHINES and bits == 64:
        yield fine("processor", seen)
    else:
        yield broken("processor", seen, IMAGE)
    yield fine("versions", f"moodwire {moodwire.__version__}, Python {platform.python_version()}")
    yield from _numpy_and_runtime()


def _numpy_and_runtime() -> Findings:
    """The old tflite-runtime was built for numpy 1 and crashes with numpy 2."""
    numpy = version("numpy")
    try:
        package = runtime_package()
    except RuntimeMissingError as error:
        yield broken("model runtime", str(error), "install Moodwire again with its dependencies")
        return
    seen = f"{package} {_version(package)}, numpy {numpy}"
    if package == "tflite-runtime" and not numpy.startswith("1."):
        yield broken("model runtime", f"{seen}, which do not fit together", "pip install 'numpy<2'")
    else:
        yield fine("model runtime", seen)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of unknown version"
