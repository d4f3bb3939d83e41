"""A person who edits the file is told where each mistake is and what is allowed instead."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_type_hints

import jsonschema
import msgspec
import pytest

from moodwire.config import (
    PROFILE_NAMES,
    Config,
    ConfigError,
    find_config,
    load_config,
    parse_config,
    state,
)
from moodwire.config.profiles import PROFILES
from moodwire.config.sections import Section
from moodwire.config.text import HIDDEN, example, json_schema, show
from moodwire.config.words import description
from moodwire.web.passwords import hash_password

MISTAKES = """\
profile = "hom"
[gate]
enter = 1.4
smothing = 3

[decision.per_mood.angry]
entre = 0.3
[decision]
hop = "x"
[mqtt]
port = 1.5
protocol = 5
password = 33
[[alert]]
name = "fine"
moods = ["angry"]
[[alert]]
moods = []
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "my.toml")
    return str(caught.value).splitlines()


def test_every_mistake_is_told_with_its_line_and_what_is_allowed() -> None:
    assert complaints(MISTAKES) == [
        'my.toml:1: profile is \'hom\'; allowed: one of "car", "home"',
        "my.toml:3: gate.enter is 1.4; allowed: a number from 0 to 1",
        "my.toml:4: unknown key gate.smothing; "
        "known: enter, exit, hangover, minimum_speech, linger",
        "my.toml:7: unknown key decision.per_mood.angry.entre; did you mean enter?",
        "my.toml:9: decision.hop is 'x'; allowed: a number from 0.1 to 3",
        "my.toml:11: mqtt.port is 1.5; allowed: a whole number from 1 to 65535",
        'my.toml:12: mqtt.protocol is 5; allowed: one of "3.1.1", "5"',
        "my.toml:13: mqtt.password is not text; allowed: text",
        "my.toml:17: alert[2].name is missing; needed: "
        "up to 63 lower-case letters, digits, _ and -, no _ or - first",
        "my.toml:18: alert[2].moods is []; allowed: a list, each text, at least one",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gate = {enter = 0.1, exit = 0.2}", "my.toml:1: gate.exit is 0.2"),
        ("\n[decision]\nonset_votes = 9", "my.toml:3: decision.onset_votes is 9"),
        ("\nmqtt.tls = 'yes'", "my.toml:2: mqtt.tls is 'yes'; allowed: true or false"),
        ("mqtt.certificate_file = 'a.pem'", "my.toml:1: mqtt.certificate_file and mqtt.key_file"),
        ("[[alert]]\nname='a'\nmoods=['x']\n" * 2, "two alerts are named a"),
        (
            "[[history.context]]\nname='a'\ntopic='t'\n[[history.context]]\nname='b'\ntopic='t'",
            "my.toml: history.context names the topic t twice",
        ),
        ("gate = 3", "my.toml:1: gate is 3; allowed: a table with enter"),
        ("alert = 3", "my.toml:1: alert is 3; allowed: a list"),
        ("[gate]\n[gate]", "my.toml: is not TOML"),
        ("gate = " + "[" * 5_000 + "]" * 5_000, "my.toml: is not TOML"),
    ],
)
def test_mistakes_of_other_kinds(text: str, expected: str) -> None:
    assert any(expected in line for line in complaints(text)), complaints(text)


OPEN = '[web]\nenabled = true\naddress = "0.0.0.0"\n'


def test_a_page_that_others_can_reach_needs_a_password() -> None:
    assert complaints(OPEN) == [
        "my.toml:3: web.address is '0.0.0.0'; an address that others can reach needs a password. "
        "Make a hash with `moodwire web --hash-password` and set web.password_hash, "
        "or set web.address to 127.0.0.1"
    ]


@pytest.mark.parametrize(
    "text",
    [
        OPEN + f'password_hash = "{hash_password("kitchen table")}"',
        OPEN + 'password_file = "only-the-service-may-read-it"',
        OPEN.replace("0.0.0.0", "::1"),
        OPEN.replace("true", "false"),
    ],
)
def test_a_page_with_a_password_or_for_this_device_alone_is_fine(text: str) -> None:
    parse_config(text)


@pytest.mark.parametrize("wrong", ["secret", "scrypt$a$b", "md5$x$y", "scrypt$$$", "scrypt$é$é"])
def test_a_plain_password_is_refused_as_hash_without_being_shown(wrong: str) -> None:
    assert complaints(OPEN + f'password_hash = "{wrong}"') == [
        "my.toml:4: web.password_hash: this is not a hash; make one with "
        "`moodwire web --hash-password`"
    ]


def test_files_that_are_none() -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_config(Path("nowhere.toml"))


def test_a_file_from_another_system_is_read_like_any_other(tmp_path: Path) -> None:
    """Windows begins a text with a mark that is no TOML, and ends its lines in its own way."""
    file = tmp_path / "config.toml"
    file.write_bytes(b'\xef\xbb\xbf[device]\r\nid = "hall"\r\n')
    assert load_config(file).device.id == "hall"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes(b'device.name = "K\xfcche"')
    with pytest.raises(ConfigError, match="byte 16 is not UTF-8"):
        load_config(file)
    file.write_bytes(b"#" * (2 << 20))
    with pytest.raises(ConfigError, match="larger than"):
        load_config(file)


def test_the_file_wins_over_the_profile_and_the_profile_over_the_defaults() -> None:
    config = parse_config('profile = "car"\n[decision]\nenter = 0.9')
    assert config.decision.enter == 0.9
    own = PROFILES["car"]["decision"]["hold"]
    assert config.decision.hold == own != Config().decision.hold
    assert parse_config('profile = "car"', profile="home") == Config()


def test_the_profile_can_be_changed_while_the_files_own_words_stay() -> None:
    text = 'profile = "home"\n[decision]\nenter = 0.8'
    car = parse_config(text, profile="car")
    assert (car.decision.enter, car.decision.hold) == (0.8, PROFILES["car"]["decision"]["hold"])


def test_which_file_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOODWIRE_CONFIG", str(tmp_path / "from_environment.toml"))
    assert find_config(tmp_path / "asked.toml") == tmp_path / "asked.toml"
    assert find_config() == tmp_path / "from_environment.toml"


def test_whom_the_system_does_not_know_gets_the_services_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may not write there is told; recordings are judged by what is installed or shipped."""
    monkeypatch.setattr(state, "SERVICE_DIRECTORY", tmp_path / "not_there")
    for variable in ("HOME", "XDG_STATE_HOME", "STATE_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 7)
    assert state.state_directory(Config()) == tmp_path / "not_there"


@pytest.mark.parametrize("profile", PROFILE_NAMES)
def test_an_example_means_exactly_its_profile(profile: str) -> None:
    assert parse_config(example(profile)) == parse_config(f'profile = "{profile}"')


@pytest.mark.parametrize("profile", PROFILE_NAMES)
def test_an_example_shows_the_values_that_hold(profile: str) -> None:
    """With every # taken away it is the same configuration, but for the tables it proposes."""
    opened = parse_config(re.sub(r"^#(?=[\[a-z])", "", example(profile), flags=re.MULTILINE))
    decision = msgspec.structs.replace(opened.decision, per_mood={})
    alerts = opened.alert if profile == "car" else []
    history = msgspec.structs.replace(opened.history, context=[])
    plain = msgspec.structs.replace(opened, decision=decision, alert=alerts, history=history)
    assert plain == parse_config(f'profile = "{profile}"')


def test_what_is_shown_can_be_read_again_but_for_its_secrets() -> None:
    secret = 'Gr€en "7"'
    config = parse_config(
        f"""
        [device]
        name = "K\u00fcche \\\\ Flur"
        [mqtt]
        password = '{secret}'
        [decision.per_mood.very-angry]
        enter = 0.9
        [[alert]]
        name = "a"
        moods = ["angry", "fear"]
        """
    )
    text = show(config)
    assert secret not in text
    assert HIDDEN in text
    again = msgspec.structs.replace(parse_config(text), mqtt=config.mqtt)
    assert again == config


def _sections(section: type[Section] = Config) -> list[type[Section]]:
    found = [section]
    for hint in get_type_hints(section).values():
        for each in (hint, *getattr(hint, "__args__", ())):
            if isinstance(each, type) and issubclass(each, Section):
                found += _sections(each)
    return found


def test_an_example_shows_every_setting() -> None:
    shown = set(re.findall(r"^#?(\w+) = ", example("home"), re.MULTILINE))
    for section in _sections():
        settings = set(section.__struct_fields__) - set(Config.__struct_fields__)
        assert settings - {"per_mood", "context"} <= shown, section.__name__
    assert "#[decision.per_mood." in example("home")
    assert "#[[history.context]]" in example("home")


def test_every_setting_is_documented() -> None:
    tables = {"device", "microphone", "gate", "decision", "alert", "mqtt", "outbox"}
    for section in _sections():
        assert section.__doc__
        for name, hint in get_type_hints(section, include_extras=True).items():
            is_table = section is Config and name != "profile"
            assert is_table or description(hint), f"{section.__name__}.{name} says nothing"
    assert tables <= set(Config.__struct_fields__)


def test_the_schema_agrees_with_the_reader() -> None:
    schema = json_schema()
    jsonschema.validate(tomllib.loads(example("car")), schema)
    effective = msgspec.json.decode(msgspec.json.encode(parse_config('profile = "car"')))
    jsonschema.validate(effective, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"gate": {"enter": 1.4}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"gate": {"smothing": 1}}, schema)
