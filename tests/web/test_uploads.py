"""Uploads that mean no good cost a bounded while, and the next person is served."""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import threading

import numpy as np
import psutil
import pytest
import soundfile
import tones
from kitchen import wait_until

from moodwire.model import load_bundle
from moodwire.threads import THREAD_LIMITS
from moodwire.web import uploads


def token(server) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/try", headers={"Accept": "text/html"})
    page = connection.getresponse().read().decode()
    connection.close()
    return page.split('data-csrf="', 1)[1].split('"', 1)[0]


def upload(server, body, **headers) -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    connection.request("POST", "/recordings", body, {"X-CSRF": token(server), **headers})
    response = connection.getresponse()
    answer = response.status, json.loads(response.read())
    connection.close()
    return answer


def silence(seconds: float, rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(round(seconds * rate), np.int16), rate, format="FLAC")
    return file.getvalue()


def children() -> set[int]:
    """Processes that this one, which runs the server, has started and not yet ended."""
    return {child.pid for child in psutil.Process().children()}


def test_an_endless_upload_is_cut_off(serve):
    _, server = serve(upload_megabytes=1)
    before = children()
    sent = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        head = f"POST /recordings HTTP/1.1\r\nHost: localhost\r\nX-CSRF: {token(server)}\r\n"
        raw.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        try:
            while sent < 50_000_000:
                raw.sendall(piece)
                sent += 0x10000
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            assert b" 413 " in raw.recv(1000)
    assert sent < 20_000_000
    assert children() <= before
    assert upload(server, silence(1.0))[0] == 200


def test_a_lie_about_the_length_does_not_help(serve):
    _, server = serve(upload_megabytes=1)
    status, answer = upload(server, b"RIFF", **{"Content-Length": "99000000"})
    assert status == 413
    assert "at most 1 MB" in answer["problem"]


def test_a_small_file_that_unfolds_to_hours_is_stopped(serve):
    _, server = serve(upload_minutes=1)
    hours = silence(3 * 3600)
    assert len(hours) < 2_000_000
    status, answer = upload(server, hours)
    assert (status, answer["problem"]) == (422, "That recording is longer than 1 minutes.")


def test_as_many_minutes_are_judged_as_the_setting_allows(serve, monkeypatch):
    """Of a worker that has the same memory for all of them."""
    monkeypatch.setattr(uploads, "JUDGING_SECONDS", 600.0)  # the machine may be busy
    _, server = serve(upload_minutes=120)
    status, answer = upload(server, silence(120 * 60.0, rate=8_000))
    assert (status, answer.get("problem")) == (200, None)
    assert answer["seconds"] == 7_200.0


def test_who_goes_away_leaves_nothing_behind(serve):
    _, server = serve()
    before = children()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        head = f"POST /recordings HTTP/1.1\r\nHost: localhost\r\nX-CSRF: {token(server)}\r\n"
        raw.sendall((head + "Content-Length: 1000000\r\n\r\n").encode() + bytes(1000))
        wait_until(lambda: bool(children() - before))  # the worker has begun
    wait_until(lambda: children() <= before)
    assert upload(server, silence(1.0))[0] == 200


def test_a_worker_gets_one_thread_whoever_started_the_server(serve, monkeypatch):
    """More would spin away the processor time that it is allowed."""
    for limit in THREAD_LIMITS:
        monkeypatch.setenv(limit, "4")
    _, server = serve()
    before = children()

    def limits() -> list[str]:
        started = [psutil.Process(child).environ() for child in children() - before]
        return [environment[limit] for environment in started for limit in THREAD_LIMITS]

    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        head = f"POST /recordings HTTP/1.1\r\nHost: localhost\r\nX-CSRF: {token(server)}\r\n"
        raw.sendall((head + "Content-Length: 1000000\r\n\r\n").encode() + bytes(1000))
        wait_until(lambda: limits() == ["1"] * len(THREAD_LIMITS))
    wait_until(lambda: children() <= before)


def test_silence_is_answered_honestly(serve):
    _, server = serve()
    status, answer = upload(server, silence(5.0))
    assert status == 200
    assert answer["mood"] == "quiet"
    assert answer["probabilities"] is None
    assert "No speech" in answer["unsure"]


def test_an_upload_runs_nothing_of_the_current_folder(serve, among_traps):
    _, server = serve()
    assert upload(server, silence(1.0))[0] == 200
    assert not among_traps.exists()


def test_the_model_that_runs_is_the_one_that_judges(serve):
    host, server = serve()
    assert upload(server, silence(1.0))[1]["model"] == load_bundle().name
    host.bundle_path = tones.BUNDLE  # another configuration is in force now
    assert upload(server, silence(1.0))[1]["model"] == load_bundle(tones.BUNDLE).name


def test_a_crowd_waits_or_is_told_to_come_back(serve):
    _, server = serve()
    answers = []

    def go():
        answers.append(upload(server, silence(20.0))[0])

    crowd = [threading.Thread(target=go) for _ in range(8)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    assert set(answers) == {200, 429}
    assert answers.count(200) >= 3


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memfd")
def test_no_byte_of_a_recording_touches_the_disk(serve, tmp_path, monkeypatch):
    """The temporary folder is unusable: whoever spools to it fails."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    _, server = serve()
    assert upload(server, silence(1.0))[0] == 200
