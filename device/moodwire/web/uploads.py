"""One recording at a time, judged by a process of its own while it is still arriving.

Sound decoders read what strangers made. So the bytes go through a pipe into a process with little
memory, little time and low priority: whatever happens in there, the daemon goes on hearing. The
bytes touch no disk.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

import msgspec
from starlette.requests import ClientDisconnect, Request

from moodwire.config import Web
from moodwire.threads import THREAD_LIMITS

WAITING_ROOM = 3
"""Uploads that may wait for the one that is being judged."""

ARRIVAL_SECONDS = 120.0
JUDGING_SECONDS = 120.0
LARGEST_ANSWER = 8_000_000


class Uploads:
    """Streams a request's body into a worker and hands back the worker's JSON."""

    def __init__(self, settings: Web) -> None:
        self._settings = settings
        self._command = [
            *(sys.executable, "-P", "-m", "moodwire.web.worker"),
            *(str(settings.upload_megabytes), str(settings.upload_minutes)),
        ]
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def judge(self, request: Request, bundle: Path) -> tuple[int, bytes]:
        """HTTP status and JSON body."""
        limit = self._settings.upload_megabytes * 1_000_000
        if int(request.headers.get("content-length", "0") or "0") > limit:
            return self._too_large()
        if self._waiting >= WAITING_ROOM:
            return problem(429, "Others are being listened to; try again in a minute.")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._run(request, bundle, limit)
        finally:
            self._waiting -= 1

    async def _run(self, request: Request, bundle: Path, limit: int) -> tuple[int, bytes]:
        command = [*self._command, str(bundle)]
        worker = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={**os.environ, **dict.fromkeys(THREAD_LIMITS, "1")},
            limit=LARGEST_ANSWER,
        )
        try:
            async with asyncio.timeout(ARRIVAL_SECONDS):
                if not await _feed(request, worker, limit):
                    return self._too_large()
            async with asyncio.timeout(JUDGING_SECONDS):
                return await _answer(worker)
        except TimeoutError:
            return problem(408, "That took too long; try a shorter recording.")
        except ClientDisconnect:
            return problem(400, "The recording stopped arriving.")
        finally:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()

    def _too_large(self) -> tuple[int, bytes]:
        allowed = self._settings.upload_megabytes
        return problem(413, f"That recording is too large; at most {allowed} MB are read.")


async def _feed(request: Request, worker: Process, limit: int) -> bool:
    """False where the body is larger than allowed, whatever its header said."""
    assert worker.stdin is not None
    received = 0
    try:
        async for piece in request.stream():
            received += len(piece)
            if received > limit:
                return False
            worker.stdin.write(piece)
            await worker.stdin.drain()
        worker.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        pass  # the worker has seen enough; its answer says why
    return True


async def _answer(worker: Process) -> tuple[int, bytes]:
    assert worker.stdout is not None
    line = await worker.stdout.readline()
    await worker.wait()
    if not line:
        return problem(422, "This recording cannot be read: the decoder gave up on it.")
    return (422 if line.startswith(b'{"problem"') else 200), line


def problem(status: int, text: str) -> tuple[int, bytes]:
    return status, msgspec.json.encode({"problem": text})
