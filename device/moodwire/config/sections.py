"""Every setting: typed, bounded, documented in place. The file is TOML; see `moodwire config`.

Sections are frozen structs; a field's annotation carries its bounds and its documentation, from
which the profiles in firmware_config/, the schema and the error messages are made.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from moodwire.config.profiles import ProfileName

Identifier = Annotated[
    str,
    Meta(
        # `$` of a pattern forgives a newline
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$(?!\n)",
        extra={"words": "up to 63 lower-case letters, digits, _ and -, no _ or - first"},
    ),
]
TopicPrefix = Annotated[
    str,
    Meta(
        max_length=128,
        # a $ at the beginning of a topic is the broker's own
        pattern=r"^(?!\$)[^/#+\x00-\x1f\x7f-\x9f]+(/[^/#+\x00-\x1f\x7f-\x9f]+)*$(?!\n)",
        extra={"words": "up to 128 characters, words joined by /, no #, + or first $"},
    ),
]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
View = Annotated[float, Meta(ge=0.8, le=1.25)]
Control = Literal["mute", "threshold", "exit_threshold", "hold", "profile", "self_test", "restart"]
CONTROLS: tuple[Control, ...] = get_args(Control)


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the configuration file; unknown keys are refused."""


class Device(Section, frozen=True):
    """Who this device is."""

    id: Annotated[Identifier, Meta(description="Stable id in topics and entities")] = "moodwire"
    name: Annotated[str, Meta(min_length=1, max_length=64, description="What people call it")] = (
        "Moodwire"
    )
    area: Annotated[str, Meta(max_length=64, description="Suggested Home Assistant area")] = ""


class Microphone(Section, frozen=True):
    """Where the sound comes from."""

    name: Annotated[str, Meta(description="ALSA/PortAudio name or part of it; empty: default")] = ""
    channel: Annotated[int, Meta(ge=0, le=31, description="Channel to use; 0 mixes all")] = 0
    mute: Annotated[bool, Meta(description="Hard mute: cannot be lifted over MQTT")] = False


class Gate(Section, frozen=True):
    """Speech gate in front of the model."""

    enter: Annotated[Share, Meta(description="Speech score that opens the gate")] = 0.93
    exit: Annotated[Share, Meta(description="Speech score under which the gate closes")] = 0.5
    hangover: Annotated[
        float, Meta(ge=0.0, le=10.0, description="Seconds the gate stays open after speech")
    ] = 1.0
    minimum_speech: Annotated[
        float, Meta(ge=0.0, le=2.0, description="Seconds of speech in a window worth judging")
    ] = 1.0
    linger: Annotated[
        float, Meta(ge=0.0, le=10.0, description="Seconds for which it is judged after speech")
    ] = 1.0


class MoodThresholds(Section, frozen=True):
    """Thresholds of one mood; what is left out follows [decision]."""

    enter: Annotated[Share | None, Meta(description="Instead of decision.enter")] = None
    exit: Annotated[Share | None, Meta(description="Instead of decision.exit")] = None


class Decision(Section, frozen=True):
    """From window probabilities to moods."""

    hop: Annotated[float, Meta(ge=0.1, le=3.0, description="Seconds between windows")] = 0.25
    views: Annotated[
        tuple[View, ...],
        Meta(
            min_length=1,
            description="Stretches of the frequency axis at which windows are heard in turn",
        ),
    ] = (1.0, 0.92, 1.08)
    habit: Annotated[
        float,
        Meta(
            ge=0.0,
            le=3600.0,
            description="Seconds of speech until half of what voices here always sound like is "
            "taken out; 0: never",
        ),
    ] = 30.0
    smoothing: Annotated[
        float, Meta(ge=0.0, le=30.0, description="Time constant of the probabilities, seconds")
    ] = 0.0
    enter: Annotated[
        Share, Meta(description="Smoothed probability that begins a mood; a bundle may ask more")
    ] = 0.31
    exit: Annotated[Share, Meta(description="Smoothed probability under which it ends")] = 0.28
    per_mood: Annotated[
        dict[str, MoodThresholds], Meta(description="Thresholds of single moods, by label")
    ] = {}
    onset_windows: Annotated[int, Meta(ge=1, le=40, description="n of k-of-n onset")] = 3
    onset_votes: Annotated[int, Meta(ge=1, le=40, description="k of k-of-n onset")] = 2
    minimum_duration: Annotated[
        float, Meta(ge=0.0, le=60.0, description="Seconds a mood lasts before it is told")
    ] = 0.75
    hold: Annotated[
        float, Meta(ge=0.0, le=600.0, description="Seconds a mood outlives the speech it came from")
    ] = 3.0
    refractory: Annotated[
        float, Meta(ge=0.0, le=600.0, description="Seconds before the same mood may begin again")
    ] = 2.0
    untold: Annotated[
        tuple[str, ...], Meta(description="Moods that the state shows but that make no events")
    ] = ("neutral",)


class Alert(Section, frozen=True):
    """A rule: tell when one of these moods is held for long enough."""

    name: Annotated[Identifier, Meta(description="What the alert is called in its messages")]
    moods: Annotated[list[str], Meta(min_length=1, description="Any of these moods, by label")]
    confidence: Annotated[Share, Meta(description="Least smoothed probability of the mood")] = 0.5
    sustained: Annotated[
        float, Meta(ge=0.0, le=600.0, description="Seconds for which that must hold")
    ] = 3.0
    cool_down: Annotated[
        float, Meta(ge=0.0, le=86_400.0, description="Seconds before it may be raised again")
    ] = 60.0


class Mqtt(Section, frozen=True):
    """The broker."""

    enabled: Annotated[bool, Meta(description="Whether to publish at all")] = True
    host: Annotated[str, Meta(min_length=1, description="Name or address of the broker")] = (
        "localhost"
    )
    port: Annotated[int, Meta(ge=1, le=65_535, description="Usually 1883, with TLS 8883")] = 1883
    protocol: Annotated[Literal["5", "3.1.1"], Meta(description="Version of MQTT")] = "5"
    transport: Annotated[
        Literal["tcp", "websockets"], Meta(description="How the broker is reached")
    ] = "tcp"
    websocket_path: Annotated[
        str,
        Meta(
            pattern=r"^/",
            extra={"words": "a path that begins with /"},
            description="With websockets",
        ),
    ] = "/mqtt"
    username: Annotated[str, Meta(description="Empty: anonymous")] = ""
    password: Annotated[
        str, Meta(description="Better in password_file", extra={"secret": True})
    ] = ""
    password_file: Annotated[
        str,
        Meta(
            description="File whose first line is the password; this and the files below may be "
            "a bare name in /etc/moodwire/credentials"
        ),
    ] = ""
    tls: Annotated[bool, Meta(description="Encrypt, and check the broker's certificate")] = False
    ca_file: Annotated[
        str, Meta(description="Own certificate authority (PEM); empty: the system's")
    ] = ""
    certificate_file: Annotated[str, Meta(description="Client certificate (PEM)")] = ""
    key_file: Annotated[str, Meta(description="Key of the client certificate (PEM)")] = ""
    prefix: Annotated[TopicPrefix, Meta(description="First part of every topic")] = "moodwire"
    keepalive: Annotated[int, Meta(ge=5, le=3_600, description="Seconds between signs of life")] = (
        30
    )
    publish_level: Annotated[bool, Meta(description="Also publish the level topic")] = False
    controls: Annotated[
        tuple[Control, ...], Meta(description="What others may set on this device over MQTT")
    ] = CONTROLS


class Outbox(Section, frozen=True):
    """Events that wait for the broker; the oldest give way first."""

    store: Annotated[
        Literal["memory", "disk"], Meta(description="disk survives restarts and power cuts")
    ] = "memory"
    events: Annotated[int, Meta(ge=1, le=1_000_000, description="Most events kept")] = 2_000
    kilobytes: Annotated[int, Meta(ge=1, le=1_000_000, description="Most space they take")] = 2_000
    hours: Annotated[float, Meta(gt=0.0, le=8_760.0, description="Oldest event kept")] = 72.0


class HomeAssistant(Section, frozen=True):
    """Discovery by Home Assistant."""

    enabled: Annotated[bool, Meta(description="Announce the device and its entities")] = True
    prefix: Annotated[TopicPrefix, Meta(description="Home Assistant's own discovery prefix")] = (
        "homeassistant"
    )


class Web(Section, frozen=True):
    """The local page and /metrics. The Debian package brings all; pip needs `moodwire[web]`."""

    enabled: Annotated[bool, Meta(description="Serve the page from the daemon")] = False
    address: Annotated[str, Meta(min_length=1, description="Any but loopback needs a password")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65_535, description="0 takes any free port")] = 8377
    password_hash: Annotated[
        str,
        Meta(
            description="From `moodwire web --hash-password`; better in password_file",
            extra={"secret": True},
        ),
    ] = ""
    password_file: Annotated[str, Meta(description="File that holds the hash")] = ""
    upload_megabytes: Annotated[int, Meta(ge=1, le=200, description="Largest recording")] = 25
    upload_minutes: Annotated[
        int, Meta(ge=1, le=120, description="Longest recording; judging it may take 90 s of work")
    ] = 20


class ContextTopic(Section, frozen=True):
    """A number from another MQTT topic, shown beside the history."""

    name: Annotated[str, Meta(min_length=1, max_length=40, description="Shown as heading")]
    topic: Annotated[
        str,
        Meta(
            pattern=r"^[^#+\x00]{1,256}$",
            extra={"words": "a topic without wildcards"},
            description="Its payload must be a number",
        ),
    ]
    unit: Annotated[str, Meta(max_length=12, description="Shown behind the name")] = ""


class History(Section, frozen=True):
    """Minutes of moods, kept on the device. No sound is in it."""

    enabled: Annotated[bool, Meta(description="Keep a history")] = False
    keep_days: Annotated[int, Meta(ge=1, le=3_660, description="Older minutes are deleted")] = 90
    write_every: Annotated[
        float, Meta(ge=10.0, le=3_600.0, description="Seconds between writes to the SD card")
    ] = 300.0
    context: Annotated[
        list[ContextTopic], Meta(description="Numbers from MQTT shown beside the moods")
    ] = []


class Model(Section, frozen=True):
    """Which bundle to run."""

    path: Annotated[str, Meta(description="Bundle directory; empty: installed, else shipped")] = ""


class Paths(Section, frozen=True):
    """Where the daemon may write; systemd sets it for the service."""

    state: Annotated[str, Meta(description="Empty: $STATE_DIRECTORY or a user directory")] = ""


class Config(Section, frozen=True):
    """The whole file."""

    profile: Annotated[
        ProfileName, Meta(description="The place, whose values hold where this file says nothing")
    ] = "home"
    device: Device = Device()
    microphone: Microphone = Microphone()
    gate: Gate = Gate()
    decision: Decision = Decision()
    alert: list[Alert] = []
    mqtt: Mqtt = Mqtt()
    outbox: Outbox = Outbox()
    home_assistant: HomeAssistant = HomeAssistant()
    web: Web = Web()
    history: History = History()
    model: Model = Model()
    paths: Paths = Paths()
