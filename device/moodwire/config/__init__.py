"""The configuration: typed sections, profiles for places, and the TOML file that sets them."""

from moodwire.config.credentials import credential_path
from moodwire.config.file import (
    ConfigDeniedError,
    ConfigError,
    ConfigFile,
    find_config,
    load_config,
    parse_config,
)
from moodwire.config.profiles import PROFILE_NAMES, ProfileName
from moodwire.config.sections import (
    CONTROLS,
    Alert,
    Config,
    ContextTopic,
    Decision,
    Device,
    Gate,
    History,
    Model,
    MoodThresholds,
    Mqtt,
    Outbox,
    Paths,
    Section,
    Web,
)
from moodwire.config.state import state_directory

__all__ = [
    "CONTROLS",
    "PROFILE_NAMES",
    "Alert",
    "Config",
    "ConfigDeniedError",
    "ConfigError",
    "ConfigFile",
    "ContextTopic",
    "Decision",
    "Device",
    "Gate",
    "History",
    "Model",
    "MoodThresholds",
    "Mqtt",
    "Outbox",
    "Paths",
    "ProfileName",
    "Section",
    "Web",
    "credential_path",
    "find_config",
    "load_config",
    "parse_config",
    "state_directory",
]
