"""Visitors who ask nothing or too much keep nobody else out; those who take their time may."""

from __future__ import annotations

import http.client
import io
import socket
import time
from contextlib import ExitStack, suppress

import numpy as np
import pytest
import soundfile
from kitchen import wait_until

from moodwire.history.store import MINUTE, MoodMinute
from moodwire.web import app, server
from moodwire.web.live import Snapshot
from moodwire.web.passwords import hash_password

SECONDS = 0.5

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
HALF_A_LINE = b"GET /heal"
HALF_A_FORM = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\ncsrf="
UNREAD_BODY = HEAD + b"Content-Length: 500\r\n\r\n"


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(server, "REQUEST_SECONDS", SECONDS)
    monkeypatch.setattr(app, "FORM_SECONDS", SECONDS)


def visit(running) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)


def dial(running, address: str) -> socket.socket:
    """As a visitor who comes from that address."""
    return socket.create_connection(("127.0.0.1", running.port), 60.0, (address, 0))


def healthz(running) -> int:
    connection = visit(running)
    connection.request("GET", "/healthz")
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("sent", [b"", HALF_A_LINE, HEAD])
def test_a_hundred_who_ask_nothing_are_sent_away(serve, sent):
    _, running = serve()
    with ExitStack() as held:
        for number in range(100):
            silent = held.enter_context(dial(running, f"127.0.0.{2 + number % 4}"))
            silent.sendall(sent)
        wait_until(lambda: healthz(running) == 200, timeout=30.0)


def test_one_visitor_leaves_room_for_the_others(serve):
    _, running = serve()
    with ExitStack() as held:
        for _ in range(3 * server.CONNECTIONS_EACH):
            greedy = held.enter_context(dial(running, "127.0.0.2"))
            with suppress(ConnectionError):
                greedy.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connections = running._server.server_state.connections
        wait_until(lambda: len(connections) == server.CONNECTIONS_EACH)
        assert healthz(running) == 200
    wait_until(lambda: not connections)
    with dial(running, "127.0.0.2") as again:
        again.sendall(HEAD + b"\r\n")
        assert b" 200 " in again.recv(1000)


def test_half_a_form_is_not_waited_for(serve):
    _, running = serve(password_hash=hash_password("kitchen table"))
    with socket.create_connection(("127.0.0.1", running.port), timeout=20.0) as slow:
        slow.sendall(HALF_A_FORM)
        assert b" 408 " in slow.recv(1000)


@pytest.mark.parametrize("before", [b"", UNREAD_BODY, HEAD + b"\r\n"])
def test_a_letter_now_and_then_buys_no_time(serve, before):
    _, running = serve()
    with socket.create_connection(("127.0.0.1", running.port), timeout=60.0) as slow:
        slow.sendall(before)
        until = time.monotonic() + 30 * SECONDS
        with pytest.raises(ConnectionError):
            while time.monotonic() < until:
                slow.sendall(b"G")
                time.sleep(SECONDS / 5)


def test_who_asks_again_and_who_watches_stays(serve):
    host, running = serve()
    watching, again = visit(running), visit(running)
    watching.request("GET", "/live")
    stream = watching.getresponse()
    again.connect()
    own = again.sock
    for _ in range(6):
        again.request("GET", "/healthz")
        assert again.getresponse().read() == b"ok\n"
        time.sleep(SECONDS / 2)
    assert again.sock is own  # not opened anew
    host.feed.show(Snapshot(mood="surprise"))
    while b"surprise" not in stream.readline():
        pass
    again.close()
    watching.close()


def test_a_recording_may_arrive_slowly(serve):
    _, running = serve()
    file = io.BytesIO()
    soundfile.write(file, np.zeros(16_000, np.float32), 16_000, format="WAV")
    recording = file.getvalue()

    def slowly():
        for part in range(8):
            yield recording[part * len(recording) // 8 : (part + 1) * len(recording) // 8]
            time.sleep(SECONDS / 2)

    connection = visit(running)
    connection.request("GET", "/try", headers={"Accept": "text/html"})
    page = connection.getresponse().read().decode()
    token = page.split('data-csrf="', 1)[1].split('"', 1)[0]
    connection.request("POST", "/recordings", slowly(), {"X-CSRF": token})
    assert connection.getresponse().status == 200
    connection.close()


def test_who_takes_nothing_of_an_answer_is_gone_after_a_while(serve, monkeypatch):
    monkeypatch.setattr(server, "UNREAD_SECONDS", 1)
    host, running = serve(history=True)
    host.history.add([MoodMinute(row * MINUTE, "happy", 60.0, 0.8) for row in range(200_000)])
    connections = running._server.server_state.connections
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        lazy.connect(("127.0.0.1", running.port))
        lazy.sendall(b"GET /history.csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: len(connections) == 1)
        wait_until(lambda: not connections, timeout=60.0)
