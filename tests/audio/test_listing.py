"""What microphones there are is found out, or not, in bounded time."""

import pytest

from moodwire.audio.errors import SourceError
from moodwire.audio.listing import list_devices


@pytest.fixture
def server(pulse, monkeypatch):
    for name, value in pulse.env.items():
        monkeypatch.setenv(name, value)
    return pulse


def test_the_microphones_of_the_sound_server_are_listed(server):
    assert "vmic" in [device.name for device in list_devices()]


def test_who_asks_does_not_hang_with_the_sound_server(server):
    server.freeze()

    with pytest.raises(SourceError, match=r"no list of microphones in 2 s; restart its server"):
        list_devices(patience=2)

    server.thaw()
    assert "vmic" in [device.name for device in list_devices()]


def test_a_missing_library_is_told_as_by_the_service(monkeypatch, tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with pytest.raises(SourceError, match=r"not installed; install it: sudo apt install libporta"):
        list_devices()
