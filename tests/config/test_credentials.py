from pathlib import Path

import pytest

from moodwire.config import credential_path


def test_a_path_is_taken_as_it_stands() -> None:
    assert credential_path("/srv/broker.password") == Path("/srv/broker.password")


def test_a_bare_name_is_systemds_copy_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mqtt_password").write_text("s3cret\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert credential_path("password") == tmp_path / "mqtt_password"
    assert credential_path("key.pem") == Path("/etc/moodwire/credentials/key.pem")


def test_a_bare_name_lies_in_the_systems_directory_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    assert credential_path("password") == Path("/etc/moodwire/credentials/password")
