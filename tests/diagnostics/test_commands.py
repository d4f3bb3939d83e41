"""The commands as a person runs them: exit codes, JSON, and no secret anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import tones
from click.testing import CliRunner

from moodwire.cli.support import command
from moodwire.diagnostics import support


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(
        f'[mqtt]\nhost = "127.0.0.1"\nport = 1\nusername = "kitchen"\npassword = "hush-hush"\n'
        f'[model]\npath = "{tones.BUNDLE}"\n[paths]\nstate = "{tmp_path}"\n'
    )
    file.chmod(0o600)
    return file


def moodwire(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "moodwire", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_doctor_ends_with_the_worst_and_names_every_stage(config: Path) -> None:
    done = moodwire("doctor", "--config", config, "--json")
    told = json.loads(done.stdout)

    assert done.returncode == 11, done.stderr
    assert told["worst"] == "broken"
    assert list(told["stages"]) == [
        "Runtime", "Configuration", "Features", "Model", "Machine", "Microphone", "Broker",
        "Service",
    ]  # fmt: skip
    broken = [f for stage in told["stages"].values() for f in stage if f["grade"] == "broken"]
    assert {"TCP"} <= {finding["name"] for finding in broken}
    assert all(finding["remedy"] for finding in broken)


def test_selftest_passes_and_then_finds_a_damaged_model(config: Path, tmp_path: Path) -> None:
    assert moodwire("selftest", "--config", config).returncode == 0

    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in tones.BUNDLE.iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    content = bytearray((damaged / "model.tflite").read_bytes())
    content[len(content) // 2] ^= 1
    (damaged / "model.tflite").write_bytes(bytes(content))
    config.write_text(config.read_text().replace(str(tones.BUNDLE), str(damaged)))
    done = moodwire("selftest", "--config", config)

    assert done.returncode == 11
    assert "sha" in done.stdout.lower() or "hash" in done.stdout.lower()


def test_support_holds_what_helps_and_no_secret(config: Path, tmp_path: Path) -> None:
    done = moodwire("support", tmp_path / "out.txt", "--config", config)
    text = (tmp_path / "out.txt").read_text()

    assert done.returncode == 0, done.stderr
    assert "hush-hush" not in text
    assert 'username = "kitchen"' in text
    for part in ("==== Configuration", "==== Packages", "==== Examination", "nothing listens"):
        assert part in text


def test_support_that_cannot_be_written_is_told_in_one_line(config: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nonexist" / "x"
    done = moodwire("support", nowhere, "--config", config)

    assert done.returncode == 5
    assert done.stderr == f"Error: {nowhere}: No such file or directory\n"


def test_support_that_cannot_be_written_examines_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined: list[str] = []
    monkeypatch.setattr(support, "write_support", lambda *_: str(examined.append("all of it")))
    done = CliRunner().invoke(command, [str(tmp_path)])

    assert (done.exit_code, examined) == (5, [])
    assert CliRunner().invoke(command, [str(tmp_path / "out.txt")]).exit_code == 0
    assert examined == ["all of it"]


def test_support_strikes_a_secret_out_of_log_lines_too() -> None:
    from moodwire.config import Config, Mqtt
    from moodwire.diagnostics.support import strike_out

    config = Config(mqtt=Mqtt(username="kitchen", password="hush-hush"))

    assert strike_out("refused hush-hush for kitchen", config) == "refused ******** for kitchen"
