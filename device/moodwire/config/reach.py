"""Who can reach an address, and what that asks for."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def exposure(address: str, *, has_password: bool) -> str:
    """What is wrong with a page that listens there; empty: nothing."""
    if has_password or is_loopback(address):
        return ""
    return (
        f"web.address is {address!r}; an address that others can reach needs a password. "
        "Make a hash with `moodwire web --hash-password` and set web.password_hash, "
        "or set web.address to 127.0.0.1"
    )
