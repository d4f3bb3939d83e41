"""Starting points for places: what differs from the defaults. The file's own keys still win."""

from __future__ import annotations

from typing import Any, Literal, get_args

ProfileName = Literal["home", "car"]

PROFILES: dict[ProfileName, dict[str, Any]] = {
    # A room: people come and go, the television talks; being right matters more than being quick.
    "home": {},
    # A cabin: one driver, loud background, and two moods that somebody should hear of.
    "car": {
        "decision": {"enter": 0.6, "minimum_duration": 1.5, "hold": 5.0, "refractory": 5.0},
        "alert": [
            {"name": "angry-driver", "moods": ["angry"], "sustained": 4.0},
            {"name": "frightened-driver", "moods": ["fear"], "sustained": 4.0},
        ],
    },
}

PROFILE_NAMES: tuple[ProfileName, ...] = get_args(ProfileName)
