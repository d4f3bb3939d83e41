"""Password hashes (scrypt), sessions and a brake on guessing. Pure: the clock is handed in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from moodwire.config.reach import DIGEST_BYTES, SALT_BYTES

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 1  # 16 MiB and about 0.3 s on a Pi 3
SESSION_SECONDS = 7 * 24 * 3600.0
MOST_SESSIONS = 64
ATTEMPTS = 5
ATTEMPT_SECONDS = 60.0


def hash_password(password: str) -> str:
    salt = secrets.token_bytes(SALT_BYTES)
    return f"scrypt${_encode(salt)}${_encode(_scrypt(password, salt))}"


def verify_password(password: str, stored: str) -> bool:
    _, salt, digest = stored.split("$")
    return hmac.compare_digest(_scrypt(password, _decode(salt)), _decode(digest))


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, dklen=DIGEST_BYTES
    )


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text)


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that logged in."""

    csrf: str
    expires: float


class Sessions:
    """In memory only: a restart logs everybody out. Only a hash of a token is kept."""

    def __init__(self) -> None:
        self._by_token: OrderedDict[bytes, Session] = OrderedDict()

    def open(self, now: float, token: str | None = None) -> str:
        """A new token, or the one given; the oldest session gives way when there are too many."""
        token = token or secrets.token_urlsafe(32)
        while len(self._by_token) >= MOST_SESSIONS:
            self._by_token.popitem(last=False)
        self._by_token[_key(token)] = Session(secrets.token_urlsafe(32), now + SESSION_SECONDS)
        return token

    def find(self, token: str | None, now: float) -> Session | None:
        session = self._by_token.get(_key(token)) if token else None
        return session if session and session.expires > now else None

    def close(self, token: str | None) -> None:
        if token:
            self._by_token.pop(_key(token), None)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class Brake:
    """Some attempts a minute for each address, and ten times as many for all together."""

    def __init__(self) -> None:
        self._attempts: dict[str, list[float]] = {}

    def allows(self, address: str, now: float) -> bool:
        """Whether one more attempt may be made now; it is counted if so."""
        since = now - ATTEMPT_SECONDS
        for name in list(self._attempts):
            self._attempts[name] = [t for t in self._attempts[name] if t > since]
            if not self._attempts[name]:
                del self._attempts[name]
        mine = self._attempts.get(address, [])
        if len(mine) >= ATTEMPTS or sum(map(len, self._attempts.values())) >= 10 * ATTEMPTS:
            return False
        self._attempts[address] = [*mine, now]
        return True

    def succeeded(self, address: str) -> None:
        self._attempts.pop(address, None)
