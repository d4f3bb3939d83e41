"""A microphone is meant by what stays: identifiers, names, parts of names; never by a number."""

import pytest

from moodwire.audio.devices import InputDevice, find, identifiers
from moodwire.audio.source import SourceError

USB = InputDevice("USB PnP Sound Device: Audio (hw:1,0)", 3, 1, 44_100, ("usb-socket:1-1.3",))
CAMERA = InputDevice("HD Webcam: USB Audio (hw:2,0)", 4, 2, 48_000, ("usb:046d:0825",))
DEFAULT = InputDevice("default", 7, 32, 44_100, (), default=True)
DEVICES = [USB, CAMERA, DEFAULT]


@pytest.mark.parametrize(
    ("wanted", "device"),
    [
        ("", DEFAULT),
        ("usb-socket:1-1.3", USB),
        ("usb:046d:0825", CAMERA),
        ("USB PnP Sound Device: Audio (hw:1,0)", USB),
        ("USB PnP Sound Device: Audio", USB),
        ("webcam", CAMERA),
        ("default", DEFAULT),
    ],
)
def test_found(wanted, device):
    assert find(DEVICES, wanted) is device


@pytest.mark.parametrize(
    ("devices", "wanted", "message"),
    [
        ([], "", "no microphone was found; plug one in"),
        ([USB], "", "the system has no default microphone; name one of 'USB PnP"),
        (DEVICES, "3", "microphone is '3', a number that changes when devices come and go"),
        (DEVICES, "usb", "microphone 'usb' could be any of 'USB PnP Sound Device: Audio (hw:1,0)'"),
        (DEVICES, "Nobody", "microphone 'Nobody' was not found; there are: 'USB PnP"),
    ],
)
def test_refused(devices, wanted, message):
    with pytest.raises(SourceError) as caught:
        find(devices, wanted)
    assert str(caught.value).startswith(message)


def test_identifiers_come_from_what_the_kernel_tells(tmp_path):
    card = tmp_path / "proc/asound/card1"
    card.mkdir(parents=True)
    (card / "id").write_text("Device\n")
    (card / "usbid").write_text("0d8c:0014\n")
    socket = tmp_path / "sys/devices/usb1/1-1/1-1.3/1-1.3:1.0"
    socket.mkdir(parents=True)
    (tmp_path / "sys/class/sound/card1").mkdir(parents=True)
    (tmp_path / "sys/class/sound/card1/device").symlink_to(socket)
    assert identifiers("USB PnP Sound Device: Audio (hw:1,0)", tmp_path) == (
        "usb-socket:1-1.3", "usb:0d8c:0014", "card:Device",
    )  # fmt: skip
    assert identifiers("default", tmp_path) == ()
    assert identifiers("Something else (hw:5,0)", tmp_path) == ()
