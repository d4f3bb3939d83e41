"""Who can reach an address, and what that asks for."""

from __future__ import annotations

import base64
import ipaddress
from typing import Final

SALT_BYTES: Final = 16
DIGEST_BYTES: Final = 32
"""Of the hash that `moodwire web --hash-password` makes: scrypt$SALT$DIGEST."""


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


def hash_fault(stored: str) -> str:
    """What is wrong with the hash of a password, which is not shown; empty: nothing."""
    try:
        kind, *parts = stored.split("$")
        sizes = [len(base64.urlsafe_b64decode(part)) for part in parts]
    except ValueError:
        kind, sizes = "", []
    if (kind, sizes) == ("scrypt", [SALT_BYTES, DIGEST_BYTES]):
        return ""
    return "this is not a hash; make one with `moodwire web --hash-password`"
