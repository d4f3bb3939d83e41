"""Is there a microphone, may we use it, do ALSA and PortAudio agree, and does it hear anything."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np

from moodwire.audio.capture_source import CaptureSource
from moodwire.audio.devices import HARDWARE, InputDevice, find
from moodwire.audio.listing import list_devices
from moodwire.audio.source import MODEL_RATE, Samples, SourceError
from moodwire.diagnostics.finding import Finding, Findings, broken, fine, skipped, warning
from moodwire.diagnostics.sound import judge, measure
from moodwire.diagnostics.subject import Subject

CAPTURE = re.compile(r"^(\d+)-(\d+): (?P<name>[^:]*):.*\bcapture\b")
"""A line of /proc/asound/pcm: 01-00: USB Audio : USB Audio : playback 1 : capture 1"""

FIRST_SOUND_SECONDS = 3.0
"""A device may take two seconds to deliver its first sample."""


@dataclass(frozen=True)
class Card:
    """A capture device as the kernel sees it."""

    card: int
    device: int
    name: str

    @property
    def hardware(self) -> str:
        return f"hw:{self.card},{self.device}"

    def node(self, root: Path) -> Path:
        return root / f"dev/snd/pcmC{self.card}D{self.device}c"

    def owner(self, root: Path) -> str | None:
        """Process that records from it right now."""
        status = root / f"proc/asound/card{self.card}/pcm{self.device}c/sub0/status"
        try:
            match = re.search(r"owner_pid\s*:\s*(\d+)", status.read_text())
        except OSError:
            return None
        return match[1] if match else None


def look(about: Subject) -> Findings:
    if about.config.microphone.mute:
        yield skipped("microphone", "muted in the configuration (microphone.mute); not opened")
        return
    if about.muted is None:
        yield skipped(
            "microphone",
            "this user may not know whether it is muted from afar; not opened: run with sudo",
        )
        return
    if about.muted:
        yield warning(
            "microphone",
            "muted from afar, also after a restart; not opened",
            "unmute it in Home Assistant or on the page, or: mosquitto_pub "
            f"-t {about.config.mqtt.prefix}/{about.config.device.id}/set/mute -m OFF",
        )
        return
    cards = kernel_cards(about.root)
    yield _cards(cards)
    if denied := [card for card in cards if not os.access(card.node(about.root), os.R_OK)]:
        yield broken(
            "permission",
            f"{denied[0].node(about.root)} may not be read by this user",
            "run with sudo, or: sudo usermod -aG audio $USER, then log in again",
        )
        return
    try:
        devices = list_devices(about.root)
    except SourceError as error:
        yield broken("microphone", str(error), "then look again: moodwire devices")
        return
    yield from _agreement(cards, devices, about.root)
    try:
        chosen = find(devices, about.config.microphone.name)
    except SourceError as error:
        yield broken("microphone", str(error), "set microphone.name as `moodwire devices` shows it")
        return
    lasting = f" ({chosen.identifiers[0]})" if chosen.identifiers else ""
    yield fine(
        "microphone", f"{chosen.name}{lasting}, {chosen.channels} channels, {chosen.rate} Hz"
    )
    yield from _listen(about, cards, chosen)


def kernel_cards(root: Path) -> list[Card]:
    try:
        text = (root / "proc/asound/pcm").read_text()
    except OSError:
        return []
    matches = (CAPTURE.match(line) for line in text.splitlines())
    return [Card(int(m[1]), int(m[2]), m["name"].strip()) for m in matches if m]


def _cards(cards: list[Card]) -> Finding:
    if cards:
        return fine("ALSA", ", ".join(f"{card.hardware} {card.name}" for card in cards))
    return warning(
        "ALSA",
        "the kernel knows no capture device",
        "plug the USB microphone in (see lsusb), or enable the HAT's overlay: "
        "/usr/share/moodwire/boot/i2s-microphones.txt",
    )


def _agreement(cards: list[Card], devices: list[InputDevice], root: Path) -> Findings:
    """PortAudio leaves out silently what it could not open."""
    known = {match[0].strip(" ()") for each in devices if (match := HARDWARE.search(each.name))}
    missing = [card for card in cards if card.hardware not in known]
    if not missing:
        yield fine("PortAudio", f"{len(devices)} devices to record from; agrees with ALSA")
    for card in missing:
        if owner := card.owner(root):
            yield warning(
                "PortAudio",
                f"does not see {card.hardware} {card.name}: process {owner} records from it",
                f"see: ps {owner}; stop it, or share the device: /usr/share/moodwire/alsa/",
            )
        else:
            yield warning(
                "PortAudio",
                f"does not see {card.hardware} {card.name}",
                f"try: arecord -D {card.hardware} -d 2 /dev/null; then plug it in again",
            )


def _listen(about: Subject, cards: list[Card], chosen: InputDevice) -> Findings:
    busy = [card for card in cards if f"({card.hardware})" in chosen.name]
    if busy and (owner := busy[0].owner(about.root)):
        yield skipped("listening", f"process {owner} has the microphone, perhaps the service")
        return
    try:
        samples = _record(about)
    except SourceError as error:
        yield broken("listening", str(error), "see: moodwire devices")
        return
    wanted = about.listen_seconds * MODEL_RATE
    if len(samples) < 0.5 * wanted:
        yield broken(
            "listening",
            f"{len(samples) / MODEL_RATE:.1f} s of sound came in {about.listen_seconds:g} s",
            "the device stalls: use another USB socket, a powered hub, or restart the sound server",
        )
        return
    yield fine("listening", f"{len(samples) / MODEL_RATE:.1f} s of sound, not kept")
    yield from judge(measure(samples, MODEL_RATE))


def _record(about: Subject) -> Samples:
    """Sound in memory only; what comes until the time is over."""
    settings, seconds = about.config.microphone, about.listen_seconds
    source = CaptureSource(settings.name, channel=settings.channel)
    taken: list[Samples] = []
    try:
        missing = round(seconds * MODEL_RATE)
        deadline = monotonic() + seconds + FIRST_SOUND_SECONDS
        while missing > 0 and not source.finished and monotonic() < deadline:
            chunk = source.read(0.2)
            if chunk is not None:
                taken.append(chunk.samples[:missing])
                missing -= len(chunk.samples)
    finally:
        source.close()
    return np.concatenate(taken) if taken else np.empty(0, dtype=np.float32)
