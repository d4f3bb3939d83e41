"""Which microphones there are, and which one a setting means: by what stays, never by number.

PortAudio numbers devices anew whenever one is plugged in, and so does ALSA its cards. What stays is
the name that the driver gives, the card's id, the USB vendor and product, and the USB socket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from moodwire.audio.errors import SourceError

HARDWARE = re.compile(r"\s*\(hw:(\d+),\d+\)$")
"""What PortAudio puts behind the name of an ALSA hardware device."""

MODEL_RATE = 16_000
"""Samples per second that all sources deliver, whatever their own rate is."""

MOST_MIXED_CHANNELS = 8
"""A device that offers more is a plug-in which would invent as many as one likes."""


@dataclass(frozen=True, slots=True)
class InputDevice:
    """Something that PortAudio can record from."""

    name: str
    index: int
    """Good until PortAudio is initialised again; for nobody's settings."""

    channels: int
    rate: int
    """What PortAudio calls its default rate."""

    identifiers: tuple[str, ...] = ()
    """Names that survive a reboot and replugging, most particular first."""

    default: bool = False


def portaudio() -> ModuleType:
    """The sounddevice module; importing it needs the system's PortAudio library."""
    try:
        import sounddevice
    except OSError as error:
        raise SourceError(
            "the PortAudio library is not installed; install it: sudo apt install libportaudio2"
        ) from error
    module: ModuleType = sounddevice
    return module


def input_devices(root: Path = Path("/")) -> list[InputDevice]:
    """All microphones of the list that PortAudio made when it was initialised."""
    sounddevice = portaudio()
    default = sounddevice.default.device[0]
    listed: list[dict[str, Any]] = list(sounddevice.query_devices())
    return [
        InputDevice(
            name=device["name"],
            index=index,
            channels=device["max_input_channels"],
            rate=round(device["default_samplerate"]),
            identifiers=identifiers(device["name"], root),
            default=index == default,
        )
        for index, device in enumerate(listed)
        if device["max_input_channels"] > 0
    ]


def channels_to_open(device: InputDevice, channel: int) -> int:
    """So many that the wanted one is among them; `channel` 0 stands for the mix of all."""
    if channel:
        return channel
    return device.channels if device.channels <= MOST_MIXED_CHANNELS else 1


def rate_to_open(device: InputDevice, channels: int) -> int:
    """16 kHz where the device takes it: what the model needs, and the least to carry."""
    sounddevice = portaudio()
    try:
        sounddevice.check_input_settings(device.index, channels, "int16", samplerate=MODEL_RATE)
    except sounddevice.PortAudioError:
        return device.rate
    return MODEL_RATE


def identifiers(name: str, root: Path = Path("/")) -> tuple[str, ...]:
    """Lasting names of an ALSA hardware device, from what the kernel tells about its card."""
    match = HARDWARE.search(name)
    if match is None:
        return ()
    card = f"card{match[1]}"
    sysfs = root / "sys/class/sound" / card / "device"
    found = []
    if sysfs.exists():
        socket = sysfs.resolve().name.split(":")[0]  # 1-1.3:1.0 is interface 0 of socket 1-1.3
        if re.fullmatch(r"\d+-[\d.]+", socket):
            found.append(f"usb-socket:{socket}")
    for prefix, file in (("usb", "usbid"), ("card", "id")):
        path = root / "proc/asound" / card / file
        if path.is_file():
            found.append(f"{prefix}:{path.read_text().strip()}")
    return tuple(found)


def find(devices: list[InputDevice], wanted: str) -> InputDevice:
    """The device that a setting means: an identifier, a name, a part of one; empty: the default."""
    if not devices:
        raise SourceError("no microphone was found; plug one in, then see: moodwire devices")
    names = ", ".join(repr(device.name) for device in devices)
    if not wanted:
        for device in devices:
            if device.default:
                return device
        raise SourceError(f"the system has no default microphone; name one of {names}")
    if wanted.isdecimal():
        raise SourceError(
            f"microphone is {wanted!r}, a number that changes when devices come and go; "
            f"allowed: a name, a part of it, or an identifier. There are: {names}"
        )
    matches = _matches(devices, wanted)
    if not matches:
        raise SourceError(f"microphone {wanted!r} was not found; there are: {names}")
    if len(matches) > 1:
        several = ", ".join(repr(device.name) for device in matches)
        raise SourceError(f"microphone {wanted!r} could be any of {several}; give more of the name")
    return matches[0]


def _matches(devices: list[InputDevice], wanted: str) -> list[InputDevice]:
    """From exact to loose: the first way of comparing that finds anything decides."""
    ways = (
        lambda device: wanted in device.identifiers,
        lambda device: wanted == device.name,
        lambda device: wanted == HARDWARE.sub("", device.name),
        lambda device: wanted.casefold() in device.name.casefold(),
    )
    for way in ways:
        if found := [device for device in devices if way(device)]:
            return found
    return []
