"""Which TFLite runtime is found, what is said where none is, and what it may say itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tones

from moodwire.model.greeting import without_greeting
from moodwire.model.interpreter import RuntimeMissingError, tflite_module

Broken = Callable[[str, str], None]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Broken:
    """A package in place of the one installed, whose import ends with this statement."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(package: str, statement: str) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, name)
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / "interpreter.py").write_text(statement)

    return put


def test_ctrl_c_while_the_runtime_loads_is_no_missing_runtime(broken: Broken) -> None:
    # what a compiled module makes of an interruption in the middle of its start
    broken("ai_edge_litert", "raise ImportError('initialization failed') from KeyboardInterrupt()")
    with pytest.raises(KeyboardInterrupt):
        tflite_module()


def test_without_a_runtime_both_are_named_with_what_ails_them(broken: Broken) -> None:
    broken("ai_edge_litert", "raise ImportError('wrong libc')")
    broken("tflite_runtime", "raise ImportError('wrong numpy')")
    with pytest.raises(RuntimeMissingError, match=r"\(wrong libc\).*\(wrong numpy\)"):
        tflite_module()


def test_the_runtime_does_not_greet() -> None:
    """In a process of its own: it greets once."""
    script = (
        "from moodwire.model import Classifier, load_bundle\n"
        f"Classifier(load_bundle({str(tones.BUNDLE)!r}))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert told.stderr == b""


def test_what_the_runtime_warns_of_is_seen(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), without_greeting():
        os.write(2, b"INFO: Created a delegate.\nERROR: no memory\nfatal, without")
        raise RuntimeError
    os.write(2, b" an end\n")
    assert capfd.readouterr().err == "ERROR: no memory\nfatal, without an end\n"


def test_without_a_standard_error_the_model_is_read() -> None:
    script = (
        "from moodwire.model import Classifier, load_bundle\n"
        f"Classifier(load_bundle({str(tones.BUNDLE)!r})); print('fine')"
    )
    told = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, script], capture_output=True
    )
    assert told.stdout == b"fine\n"
