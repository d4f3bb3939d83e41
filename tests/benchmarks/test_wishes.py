"""What cannot be measured is refused in one line, before anything is."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from moodwire.cli import main


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf"])
def test_hours_that_are_no_time_are_refused(hours: str) -> None:
    refused = CliRunner().invoke(main, ["bench", "run", "--hours", hours])
    assert refused.exit_code == 2
    assert "--hours" in refused.stderr


@pytest.mark.parametrize("command", [("meter",), ("doctor",), ("bench", "web")])
def test_seconds_that_are_no_number_are_refused(command: tuple[str, ...]) -> None:
    refused = CliRunner().invoke(main, [*command, "--seconds", "nan"])
    assert refused.exit_code == 2
    assert "--seconds" in refused.stderr
