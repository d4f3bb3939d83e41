"""The opt-in tests need root, minutes and packages that make builds."""

from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("MOODWIRE_APPLIANCE") == "yes":
        return
    for item in items:
        if {"arm64", "systemd"} & {mark.name for mark in item.iter_markers()}:
            item.add_marker(pytest.mark.skip(reason="opt-in: make test-arm64, make test-systemd"))
