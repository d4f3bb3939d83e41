"""The commands as a shell starts them: pipes, terminals, signals, exit codes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tones

Record = Callable[..., Path]
MOODWIRE = [sys.executable, "-m", "moodwire"]


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "MOODWIRE_CONFIG": "", "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}


def listen(*arguments: str) -> list[str]:
    return [*MOODWIRE, "listen", "--model", str(tones.BUNDLE), *arguments]


def test_sound_from_a_pipe(environment: dict[str, str], record: Record) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    with record("scene.wav", (None, 1.0), ("angry", 2.0)).open("rb") as sound:
        told = subprocess.run(
            listen("--input", "-"), stdin=sound, env=environment, capture_output=True, text=True
        )
    assert told.returncode == 0, told.stderr
    assert "moodwire/moodwire/mood quiet" in told.stdout.splitlines()
    assert "XNNPACK" not in told.stderr
    states = [line.split(" ", 1)[1] for line in told.stdout.splitlines() if "/state {" in line]
    since = [json.loads(state)["since"] for state in states]
    times = [datetime.fromisoformat(each) for each in since if each]
    assert times and before <= min(times) <= max(times) <= datetime.now(UTC)


def test_a_recording_tells_the_same_through_a_pipe(
    environment: dict[str, str], record: Record
) -> None:
    """Its times too: they count from when it began, which `--start` says."""
    file = record("scene.wav", (None, 1.0), ("angry", 2.0))
    replay = [*MOODWIRE, "replay", "--fast", "--values", "--start", "2026-01-01T00:00:00"]
    replay += ["--model", str(tones.BUNDLE)]
    from_file = subprocess.run(
        [*replay, str(file)], env=environment, capture_output=True, check=True
    )
    with file.open("rb") as sound:
        piped = subprocess.run(
            [*replay, "-"], stdin=sound, env=environment, capture_output=True, check=True
        )
    assert b'"since":"2026-01-01T00:00:0' in from_file.stdout
    assert piped.stdout == from_file.stdout


def test_what_the_standard_input_reads_is_not_recorded_over(
    environment: dict[str, str], record: Record, tmp_path: Path
) -> None:
    file = record("scene.wav", ("angry", 2.0)).rename(tmp_path / "scene.jsonl")
    content = file.read_bytes()
    with file.open("rb") as sound:
        told = subprocess.run(
            [*MOODWIRE, "replay", "--fast", "--record", str(file), "-"],
            stdin=sound, env=environment, capture_output=True,
        )  # fmt: skip
    assert told.returncode == 2, told.stderr
    assert file.read_bytes() == content


def test_an_empty_pipe_is_told(environment: dict[str, str]) -> None:
    told = subprocess.run(
        listen("--input", "-"), stdin=subprocess.DEVNULL, env=environment, capture_output=True
    )
    assert (told.returncode, b"nothing came" in told.stderr) == (5, True)


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other end was closed
            return
        if not piece:
            return
        yield piece


@pytest.mark.parametrize(
    ("ending", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_terminal_gets_the_live_view_until_the_end(
    environment: dict[str, str], record: Record, ending: signal.Signals, code: int
) -> None:
    terminal, inner = pty.openpty()
    file = record("long.wav", (None, 60.0))
    process = subprocess.Popen(
        listen("--input", str(file)), stdin=inner, stdout=inner, stderr=inner, env=environment
    )
    os.close(inner)
    seen = b""
    for piece in _read(terminal):
        seen += piece
        if b"quiet" in seen and b"now" in seen and process.poll() is None:
            process.send_signal(ending)
            break
    seen += b"".join(_read(terminal))
    os.close(terminal)
    assert process.wait() == code
    text = seen.decode(errors="replace")  # the signal may come in the midst of a letter
    assert "disgust" in text
    assert "60 s ago" in text
    assert "no mood told" in text or code
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l"), "the cursor is given back"


def test_ctrl_c_in_a_replay_is_130(environment: dict[str, str], record: Record) -> None:
    command = [*MOODWIRE, "replay", "--values", "--model", str(tones.BUNDLE)]
    file = record("long.wav", (None, 60.0))
    process = subprocess.Popen(
        [*command, str(file)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    # earlier, while native libraries load, they make an error of their own of an interrupt
    assert any(b"/speech " in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors.decode()
    assert b"Traceback" not in errors


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "command",
    [
        "replay --fast --values --model {model} {file}",
        "classify --model {model} {file}",
        "classify --json --model {model} {file}",
        "classify --csv --model {model} {file}",
        "config example",
        "model show {model}",
        "schema",
        "--help",
    ],
)
def test_output_that_cannot_be_written_is_told_in_one_line(
    environment: dict[str, str], record: Record, command: str
) -> None:
    file = record("scene.wav", (None, 1.0), ("angry", 2.0))
    arguments = command.format(model=tones.BUNDLE, file=file).split()
    with Path("/dev/full").open("wb") as full:
        told = subprocess.run(
            [*MOODWIRE, *arguments], env=environment, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert told.returncode == 5, told.stderr
    assert told.stderr == "Error: the output cannot be written: No space left on device\n"


def test_a_sample_that_cannot_be_written_is_told_in_one_line(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "missing" / "voice.wav"
    told = subprocess.run(
        [*MOODWIRE, "sample", str(file)], env=environment, capture_output=True, text=True
    )
    assert (told.returncode, told.stderr) == (5, f"Error: {file}: No such file or directory\n")


@pytest.mark.parametrize(
    "command",
    [
        "replay --fast --model {model} {file}",
        "listen --plain --model {model} --input {file}",
        "classify --csv --model {model} {file}",
        "config example",
    ],
)
def test_a_closed_output_ends_no_command(
    environment: dict[str, str], record: Record, command: str
) -> None:
    file = record("scene.wav", (None, 1.0), ("angry", 2.0))
    arguments = command.format(model=tones.BUNDLE, file=file).split()
    told = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *MOODWIRE, *arguments],
        env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr


def test_what_the_terminal_cannot_show_ends_no_command(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[device]\nname = "Küche ☕"\n', encoding="utf-8")
    told = subprocess.run(
        [*MOODWIRE, "config", "show", str(file)],
        env={**environment, "PYTHONIOENCODING": "latin-1"}, capture_output=True, check=True,
    )  # fmt: skip
    assert 'name = "Küche ?"' in told.stdout.decode("latin-1")


@pytest.mark.parametrize("command", [["config", "example"], ["schema"]])
def test_a_reader_that_goes_away_early_is_no_trouble(
    environment: dict[str, str], command: list[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    told = subprocess.run(
        [*MOODWIRE, *command], env=environment, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert (told.returncode, told.stderr) == (1, b"")


def test_help_is_quick_because_it_loads_nothing(environment: dict[str, str]) -> None:
    code = (
        "import sys; from moodwire.cli import main; main(['--help'], standalone_mode=False);"
        "print(sorted({'numpy', 'soundfile', 'sounddevice', 'rich', 'paho'} & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert told.stdout.splitlines()[-1] == "[]", told.stderr


@pytest.mark.parametrize(("command", "code"), [("meter", 3), ("doctor", 11)])
def test_a_configuration_that_only_the_service_may_read_is_told(
    environment: dict[str, str], tmp_path: Path, command: str, code: int
) -> None:
    """As installed: a password may be in it. Nobody may take the device for an unconfigured one."""
    folder = tmp_path / "moodwire"
    folder.mkdir()
    (folder / "config.toml").touch()
    folder.chmod(0)
    script = (
        "import pathlib, moodwire.config.file as file\n"
        f"file.SYSTEM_FILE = pathlib.Path({str(folder)!r}) / 'config.toml'\n"
        "from moodwire.cli import main; main(prog_name='moodwire')"
    )
    capabilities = "--bounding-set=-dac_override,-dac_read_search"  # or root may read everything
    unprivileged = ["setpriv", capabilities] if os.geteuid() == 0 else []
    try:
        told = subprocess.run(
            [*unprivileged, sys.executable, "-c", script, command],
            env=environment, capture_output=True, text=True,
        )  # fmt: skip
    finally:
        folder.chmod(0o700)
    assert "try sudo" in told.stdout + told.stderr, told.stderr
    assert told.returncode == code


def test_every_command_keeps_numpy_to_one_thread(environment: dict[str, str]) -> None:
    """Several spin while they wait, which takes a core of a Pi for nothing."""
    free = {name: value for name, value in environment.items() if "NUM_THREADS" not in name}
    script = (
        "import os, sys\n"
        "from moodwire.cli import main\n"
        "early = 'numpy' in sys.modules\n"
        "main(['listen', '--help'], standalone_mode=False)\n"
        "print(early, 'numpy' in sys.modules, os.environ['OPENBLAS_NUM_THREADS'])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], env=free, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "False True 1"
