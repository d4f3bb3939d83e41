"""What strangers, other sites and guessers get from the page: nothing."""

from __future__ import annotations

import asyncio
import base64
import http.client
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from moodwire.history.store import MoodMinute
from moodwire.web import app
from moodwire.web.guard import AccessError, check_address
from moodwire.web.passwords import hash_password

PASSWORD = "kitchen table"


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str


def ask(server, method, path, body=None, **headers) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    if isinstance(body, dict):
        body = urllib.parse.urlencode(body)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"Accept": "text/html", **sent})
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read().decode())
    connection.close()
    return answer


def token_of(page: str) -> str:
    return page.split('data-csrf="', 1)[1].split('"', 1)[0]


def log_in(server, password=PASSWORD) -> tuple[Answer, str]:
    page = ask(server, "GET", "/login").body
    answer = ask(server, "POST", "/login", {"csrf": token_of(page), "password": password})
    return answer, (answer.headers["set-cookie"] or "").split(";")[0]


@pytest.mark.parametrize("held", [b"kitchen table", b"scrypt$caf\xe9$"])
def test_a_file_that_holds_no_hash_is_refused_without_being_shown(serve, tmp_path, held):
    file = tmp_path / "password"
    file.write_bytes(held)
    with pytest.raises(AccessError, match="this is not a hash") as refusal:
        serve(password_file=str(file))
    assert held[-5:] not in str(refusal.value).encode("latin-1")


@pytest.fixture
def guarded(serve):
    return serve(password_hash=hash_password(PASSWORD), history=True)[1]


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.5", "::", "pi.local"])
def test_an_open_address_without_a_password_is_refused(address):
    with pytest.raises(AccessError, match=r"needs a password.*hash-password"):
        check_address(address, None)
    check_address(address, "some hash")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_needs_no_password(address):
    check_address(address, None)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_an_address_that_the_network_has_yet_to_give_is_waited_for(serve, caplog, address):
    _, server = serve(address=address, password_hash=hash_password(PASSWORD))
    assert address in server.url
    assert f"web.address {address} is not an address of this machine" in caplog.text


def test_every_page_wants_the_password(guarded):
    for path in ("/", "/try", "/history", "/settings", "/history.csv"):
        answer = ask(guarded, "GET", path)
        assert (answer.status, answer.headers["location"]) == (303, "login"), path
    for path in ("/live", "/metrics"):
        assert ask(guarded, "GET", path, Accept="*/*").status == 401, path
    for path in ("/recordings", "/mute", "/selftest", "/history/forget"):
        assert ask(guarded, "POST", path, b"").status == 401, path
    assert ask(guarded, "GET", "/healthz").status == 200


def test_the_right_password_opens_and_logging_out_closes(guarded):
    answer, cookie = log_in(guarded)
    assert answer.status == 303
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]
    settings = ask(guarded, "GET", "/settings", Cookie=cookie)
    assert settings.status == 200
    assert "scrypt" not in settings.body  # not even the hash is shown
    ask(guarded, "POST", "/logout", {"csrf": token_of(settings.body)}, Cookie=cookie)
    assert ask(guarded, "GET", "/settings", Cookie=cookie).status == 303


def footer(page: str) -> str:
    return " ".join(page.split("<footer>")[1].split("</footer>")[0].split())


def test_the_page_says_what_leaves_the_device(serve):
    host, server = serve()
    alone = footer(ask(server, "GET", "/").body)
    assert "No sound is kept or leaves this device. Moods are a guess" in alone
    host.broker = "hub.home"
    published = footer(ask(server, "GET", "/").body)
    assert "leaves this device. Moods go to the MQTT broker at hub.home. Moods are" in published


def test_strangers_are_not_told_which_broker(serve):
    host, server = serve(password_hash=hash_password(PASSWORD))
    host.broker = "hub.home"
    page = ask(server, "GET", "/login").body
    assert "Moods go to the MQTT broker. Moods are" in footer(page)
    assert "hub.home" not in page


def test_guessing_is_stopped_even_for_the_right_word(guarded):
    for _ in range(5):
        assert log_in(guarded, "wrong")[0].status == 403
    assert log_in(guarded)[0].status == 403


def test_a_form_of_another_site_changes_nothing(serve):
    host, server = serve()
    assert ask(server, "POST", "/mute", {"muted": "yes"}).status == 403
    assert ask(server, "POST", "/mute", {"muted": "yes", "csrf": "x"}).status == 403
    assert not host.muted
    token = token_of(ask(server, "GET", "/settings").body)
    assert ask(server, "POST", "/mute", {"muted": "yes", "csrf": token}).status == 303
    assert host.muted


def test_a_rebound_host_name_gets_no_answer(serve):
    _, server = serve()
    assert ask(server, "GET", "/", Host="evil.example").status == 421
    assert ask(server, "GET", "/", Host="localhost:8377").status == 200


def test_a_hard_mute_cannot_be_lifted(serve):
    host, server = serve()
    host.muted, host.can_mute = True, False
    token = token_of(ask(server, "GET", "/settings").body)
    assert ask(server, "POST", "/mute", {"muted": "no", "csrf": token}).status == 409
    assert host.muted


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fevents.py",
        "/static//etc/passwd",
    ],
)
def test_no_file_outside_is_served(serve, path):
    _, server = serve()
    assert ask(server, "GET", path).status == 404


def test_safe_headers_are_on_every_answer(serve):
    _, server = serve()
    for path in ("/", "/static/now.js", "/nowhere", "/healthz"):
        headers = ask(server, "GET", path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin", path


def test_a_scraper_logs_in_with_basic_authentication(guarded):

    def scrape(password):
        word = base64.b64encode(f"prometheus:{password}".encode()).decode()
        return ask(guarded, "GET", "/metrics", Authorization=f"Basic {word}").status

    assert scrape("wrong") == 401
    assert scrape(PASSWORD) == 200
    assert scrape(PASSWORD) == 200


def test_a_huge_form_is_refused(serve):
    _, server = serve()
    assert ask(server, "POST", "/mute", "x" * 10_000).status == 413


def test_probes_learn_whether_it_hears(serve):
    host, server = serve()
    assert ask(server, "GET", "/healthz").status == 200
    host.hears = False
    assert ask(server, "GET", "/healthz").status == 503


def test_what_is_not_written_yet_is_not_called_unheard(serve):
    host, server = serve(history=True)
    written = "The history is written every 300 seconds; what came since is not shown yet."
    for stored in ([], [MoodMinute(int(time.time()), "happy", 60.0, 0.8)]):
        host.history.add(stored)
        today = ask(server, "GET", "/history").body
        assert written in today
        assert ("Nothing of today is written yet." in today) == (not stored)
        assert "Nothing was heard on this day." not in today
    before = ask(server, "GET", "/history?day=2026-03-02").body
    assert "Nothing was heard on this day." in before
    assert written not in before


def test_a_damaged_history_is_said_in_one_line(serve):
    host, server = serve(history=True)
    host.history.path.write_bytes(b"no database at all" * 100)
    for path in ("/history", "/history.csv"):
        answer = ask(server, "GET", path, Accept="*/*")
        assert answer.status == 503, path
        assert "is damaged (file is not a database); the service sets it aside" in answer.body
    assert "is damaged" in ask(server, "GET", "/history").body
    assert host.history.path.read_bytes().startswith(b"no database")


def test_a_card_that_cannot_be_used_is_said_in_one_line(serve):
    host, server = serve(history=True)
    host.history.path.mkdir()
    answer = ask(server, "GET", "/history", Accept="*/*")
    assert answer.status == 503
    assert "Unable to open database file." in answer.body


def test_the_self_test_runs_nothing_of_the_current_folder(among_traps):
    assert asyncio.run(app.run_self_test(None))["ok"]
    assert not among_traps.exists()


def test_self_tests_run_one_after_the_other(serve, monkeypatch):
    """Each is a process that loads the model and computes."""
    both, met = asyncio.Barrier(2), []

    async def meeting_self_test(config_path):
        try:
            async with asyncio.timeout(1.0):
                await both.wait()  # in vain: the other has not begun
            met.append(True)
        except TimeoutError:
            met.append(False)
        return {"ok": True, "lines": []}

    monkeypatch.setattr(app, "run_self_test", meeting_self_test)
    _, server = serve()
    csrf = token_of(ask(server, "GET", "/settings").body)
    with ThreadPoolExecutor() as visitors:
        asked = [
            visitors.submit(ask, server, "POST", "/selftest", b"", x_csrf=csrf) for _ in range(2)
        ]
        assert [each.result().status for each in asked] == [200, 200]
    assert met == [False, False]
