"""The pages and what they fetch. All links are relative, so any path prefix in front works."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import anyio.to_thread
import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

import moodwire
from moodwire.config.text import show
from moodwire.history.store import DamagedError
from moodwire.web import history_page, uploads
from moodwire.web.guard import COOKIE, Guard, GuardMiddleware, address
from moodwire.web.host import Host
from moodwire.web.live import stream
from moodwire.web.passwords import SESSION_SECONDS

HERE = Path(__file__).parent
LARGEST_FORM = 4_096
FORM_SECONDS = 10.0
SELF_TEST_SECONDS = 60.0


def build_app(host: Host, guard: Guard) -> Starlette:
    pages = Pages(host, guard)
    return Starlette(
        routes=[
            Route("/", pages.now),
            Route("/live", pages.live),
            Route("/try", pages.try_recording),
            Route("/recordings", pages.recording, methods=["POST"]),
            Route("/history", pages.history),
            Route("/history.csv", pages.history_csv),
            Route("/history/forget", pages.forget, methods=["POST"]),
            Route("/settings", pages.settings),
            Route("/mute", pages.mute, methods=["POST"]),
            Route("/selftest", pages.self_test, methods=["POST"]),
            Route("/login", pages.login, methods=["GET", "POST"]),
            Route("/logout", pages.logout, methods=["POST"]),
            Route("/healthz", pages.healthz),
            Route("/metrics", pages.metrics),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(GuardMiddleware, guard=guard)],
        exception_handlers={
            HTTPException: pages.problem,
            DamagedError: pages.unusable,
            sqlite3.OperationalError: pages.unusable,
            Exception: pages.failure,
        },
    )


class Pages:
    """One method for each route. What costs memory is done for one visitor after the other."""

    def __init__(self, host: Host, guard: Guard) -> None:
        self._host = host
        self._guard = guard
        self._templates = Jinja2Templates(directory=HERE / "templates")
        self._templates.env.trim_blocks = self._templates.env.lstrip_blocks = True
        self._one_view, self._one_self_test = asyncio.Lock(), asyncio.Lock()
        self._uploads = uploads.Uploads(host.config.web)
        self._registry = CollectorRegistry()
        self._registry.register(_Metrics(host))

    async def now(self, request: Request) -> Response:
        return self._page(request, "Now", "now.html", {"labels": self._host.labels})

    async def live(self, request: Request) -> Response:
        headers = {"x-accel-buffering": "no"}  # a proxy must not hold events back
        return StreamingResponse(
            stream(self._host.feed), media_type="text/event-stream", headers=headers
        )

    async def try_recording(self, request: Request) -> Response:
        settings = self._host.config.web
        limits = {"megabytes": settings.upload_megabytes, "minutes": settings.upload_minutes}
        return self._page(request, "Try a recording", "try.html", limits)

    async def recording(self, request: Request) -> Response:
        self._check(request, request.headers.get("x-csrf"))
        status, answer = await self._uploads.judge(request, self._host.bundle_path)
        # what is still coming of a refused body must not be waited for
        headers = None if status == 200 else {"connection": "close"}
        return Response(answer, status, headers, "application/json")

    async def history(self, request: Request) -> Response:
        store = self._host.history
        if store is None:
            return self._page(request, "History", "history.html", {"enabled": False})
        query = dict(request.query_params)
        settings = self._host.config.history
        async with self._one_view:
            view = await anyio.to_thread.run_sync(
                history_page.view, store, settings, self._host.labels, query
            )
        shown = {"enabled": True, "write_every": settings.write_every, **view}
        return self._page(request, "History", "history.html", shown)

    async def history_csv(self, request: Request) -> Response:
        if self._host.history is None:
            raise HTTPException(404, "No history is kept.")
        await anyio.to_thread.run_sync(self._host.history.check)  # rather than break off half-way
        rows = history_page.csv_rows(self._host.history)
        headers = {"content-disposition": 'attachment; filename="moodwire-history.csv"'}
        return StreamingResponse(rows, media_type="text/csv", headers=headers)

    async def forget(self, request: Request) -> Response:
        form = await self._form(request)
        if self._host.history is None:
            raise HTTPException(404, "No history is kept.")
        start, end = history_page.span_to_forget(form.get("what", ""), form.get("day", ""))
        await anyio.to_thread.run_sync(self._host.forget, start, end)
        return RedirectResponse("../history", 303)

    async def settings(self, request: Request) -> Response:
        host = self._host
        text = "The microphone is muted." if host.muted else "The microphone is open."
        if not host.can_mute:
            text += (
                " The configuration mutes it (microphone.mute); that can only be lifted there."
                if host.config.microphone.mute
                else " There is no microphone that could be muted from here."
            )
        values = {
            "mute_text": text,
            "muted": host.muted,
            "can_mute": host.can_mute,
            "config_text": show(host.config),
            "password_set": self._guard.hashed is not None,
            "version": moodwire.__version__,
            "model": host.model_name,
        }
        return self._page(request, "Settings", "settings.html", values)

    async def mute(self, request: Request) -> Response:
        form = await self._form(request)
        if not self._host.can_mute:
            raise HTTPException(409, "The microphone cannot be muted or opened from here.")
        await anyio.to_thread.run_sync(self._host.mute, form.get("muted") == "yes")
        return RedirectResponse("settings", 303)

    async def self_test(self, request: Request) -> Response:
        self._check(request, request.headers.get("x-csrf"))
        async with self._one_self_test:
            answer = await run_self_test(self._host.config_path)
        return Response(msgspec.json.encode(answer), media_type="application/json")

    async def login(self, request: Request) -> Response:
        if self._guard.signed_in(request):
            return RedirectResponse("./", 303)
        if request.method == "GET":
            return self._page(request, "Log in", "login.html", {"problem": None})
        form = await self._form(request)
        token = await anyio.to_thread.run_sync(
            self._guard.log_in, address(request), form.get("password", "")
        )
        if token is None:
            problem = "That is not the password, or there were too many tries: wait a minute."
            return self._page(request, "Log in", "login.html", {"problem": problem}, 403)
        response = RedirectResponse("./", 303)
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(SESSION_SECONDS),
            httponly=True,
            samesite="strict",
            secure=request.headers.get("x-forwarded-proto", request.url.scheme) == "https",
        )
        return response

    async def logout(self, request: Request) -> Response:
        await self._form(request)
        self._guard.log_out(request)
        response = RedirectResponse("login", 303)
        response.delete_cookie(COOKIE)
        return response

    async def healthz(self, request: Request) -> Response:
        healthy = self._host.healthy()
        return PlainTextResponse("ok\n" if healthy else "not hearing\n", 200 if healthy else 503)

    async def metrics(self, request: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def problem(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if "text/html" not in request.headers.get("accept", ""):
            answer = msgspec.json.encode({"problem": error.detail})
            return Response(answer, error.status_code, media_type="application/json")
        heading = "Not found" if error.status_code == 404 else "That did not work"
        values = {"heading": heading, "text": error.detail}
        return self._page(request, "", "problem.html", values, error.status_code)

    async def unusable(self, request: Request, error: Exception) -> Response:
        """The history is damaged, or its card is full or read-only."""
        text = str(error)
        return await self.problem(request, HTTPException(503, f"{text[:1].upper()}{text[1:]}."))

    async def failure(self, request: Request, error: Exception) -> Response:
        return PlainTextResponse("Something went wrong here; the log says what.", 500)

    async def _form(self, request: Request) -> dict[str, str]:
        """A small form with the right token. Parsed here: no upload may hide in it."""
        body = b""
        try:
            async with asyncio.timeout(FORM_SECONDS):
                async for piece in request.stream():
                    body += piece
                    if len(body) > LARGEST_FORM:
                        raise HTTPException(413, "That form is too large.")
        except TimeoutError:
            raise HTTPException(408, "The form stopped arriving.") from None
        try:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        except UnicodeDecodeError:
            raise HTTPException(400, "That form cannot be read.") from None
        self._check(request, form.get("csrf"))
        return form

    def _check(self, request: Request, token: str | None) -> None:
        if not self._guard.is_genuine(request, token):
            raise HTTPException(403, "This page is out of date: load it again, then repeat.")

    def _page(
        self,
        request: Request,
        page: str,
        template: str,
        values: Mapping[str, Any],
        status: int = 200,
    ) -> Response:
        shared = {
            "page": page,
            "root": "../" * (request.url.path.count("/") - 1) or "./",
            "csrf": self._guard.csrf(request),
            "signed_in": self._guard.signed_in(request),
            "device_name": self._host.config.device.name,
            "broker": self._host.broker,
        }
        return self._templates.TemplateResponse(
            request, template, {**shared, **values}, status_code=status
        )


async def run_self_test(config_path: Path | None) -> dict[str, Any]:
    """The command's own answer, from a process of its own: it must not disturb the listening."""
    chosen = ["--config", str(config_path)] if config_path else []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "moodwire", "selftest", *chosen), stdout=PIPE, stderr=STDOUT
    )
    try:
        async with asyncio.timeout(SELF_TEST_SECONDS):
            told, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return {"ok": False, "lines": [f"no answer within {SELF_TEST_SECONDS:.0f} s"]}
    return {"ok": process.returncode == 0, "lines": told.decode(errors="replace").splitlines()}


class _Metrics:
    """Asks the daemon for its numbers at the moment of each scrape."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def collect(self) -> Any:
        return self._host.metrics()
