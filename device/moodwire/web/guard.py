"""Who may see and change what: sessions, CSRF, guesses, headers. One place for all pages.

Without a password the server only listens on loopback (see `check_address`). There, the Host
header must name this machine itself, so that no page of another site can reach us by rebinding
its name to 127.0.0.1; changes need the CSRF token of the page in any case.
"""

from __future__ import annotations

import base64
import secrets
import time

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moodwire.config import Web, credential_path
from moodwire.config.reach import exposure, hash_fault, is_loopback
from moodwire.web.passwords import Brake, Session, Sessions, verify_password

COOKIE = "moodwire"
OPEN_PATHS = ("/login", "/healthz", "/static/")
SAFE_METHODS = ("GET", "HEAD")

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "cache-control": "no-store",
}


class AccessError(ValueError):
    """Settings that would leave the page open; the message says what to set."""


def password_hash(settings: Web) -> str | None:
    """The hash in force: from the file (or credential) that holds it, or the configuration."""
    stored = settings.password_hash
    if settings.password_file:
        path = credential_path(settings.password_file)
        try:
            stored = path.read_text(errors="replace").strip()
        except OSError as error:
            raise AccessError(f"web.password_file: {path}: {error.strerror}") from error
    if stored and (fault := hash_fault(stored)):
        raise AccessError(f"web password: {fault}")
    return stored or None


def check_address(address: str, hashed: str | None) -> None:
    """With what the password's file turned out to hold; the configuration knows only its name."""
    if fault := exposure(address, has_password=hashed is not None):
        raise AccessError(fault)


class Guard:
    """Knows the password and who is logged in."""

    def __init__(self, hashed: str | None) -> None:
        self.hashed = hashed
        self._sessions = Sessions()
        self._brake = Brake()
        self._page_token = secrets.token_urlsafe(32)

    def session(self, connection: HTTPConnection) -> Session | None:
        return self._sessions.find(connection.cookies.get(COOKIE), time.monotonic())

    def signed_in(self, connection: HTTPConnection) -> bool:
        return self.hashed is None or self.session(connection) is not None

    def csrf(self, connection: HTTPConnection) -> str:
        """The token that this browser's forms must carry."""
        session = self.session(connection)
        return session.csrf if session else self._page_token

    def is_genuine(self, connection: HTTPConnection, token: str | None) -> bool:
        return secrets.compare_digest((token or "").encode(), self.csrf(connection).encode())

    def log_in(self, address: str, password: str) -> str | None:
        """A session token for the right password; None for a wrong one or too many guesses."""
        if self.hashed is None or not self._brake.allows(address, time.monotonic()):
            return None
        if not verify_password(password, self.hashed):
            return None
        self._brake.succeeded(address)
        return self._sessions.open(time.monotonic())

    def log_out(self, connection: HTTPConnection) -> None:
        self._sessions.close(connection.cookies.get(COOKIE))

    def allows_scrape(self, connection: HTTPConnection) -> bool:
        """A scraper has no cookie; it sends the password as HTTP basic authentication."""
        if self.signed_in(connection):
            return True
        kind, _, credentials = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            _, _, password = base64.b64decode(credentials).decode().partition(":")
        except ValueError:
            return False
        key = _remembered(credentials)
        if self._sessions.find(key, time.monotonic()):
            return True
        if not self.log_in(address(connection), password):
            return False
        # scrypt for every scrape would cost a Pi too much
        self._sessions.open(time.monotonic(), key)
        return True


def _remembered(credentials: str) -> str:
    return f"scrape:{credentials}"


def address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else "unknown"


class GuardMiddleware:
    """Turns strangers away before a page sees them, and puts safe headers on all answers."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.encode(), value.encode())
                        for name, value in HEADERS.items()
                        if name.encode() not in present
                    ),
                ]
            await send(message)

        refusal = self._refusal(HTTPConnection(scope))
        if refusal is None:
            await self._app(scope, receive, send_guarded)
        else:
            await refusal(scope, receive, send_guarded)

    def _refusal(self, connection: HTTPConnection) -> ASGIApp | None:
        path, method = connection.scope["path"], connection.scope["method"]
        host = connection.headers.get("host", "")
        if self._guard.hashed is None and not is_loopback(host.rsplit(":", 1)[0]):
            return PlainTextResponse("This page answers only to this device itself.", 421)
        if any(path == o or (o.endswith("/") and path.startswith(o)) for o in OPEN_PATHS):
            return None
        if path == "/metrics":
            if self._guard.allows_scrape(connection):
                return None
            ask = {"www-authenticate": 'Basic realm="moodwire"'}
            return PlainTextResponse("Log in.", 401, headers=ask)
        if self._guard.signed_in(connection):
            return None
        if method in SAFE_METHODS and "text/html" in connection.headers.get("accept", ""):
            depth = path.count("/") - 1
            return RedirectResponse("../" * depth + "login", 303)
        return PlainTextResponse("Log in first.", 401)
