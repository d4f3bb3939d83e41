"""The page in a real Chromium: what a person sees, hears back and can reach by keyboard."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import math
import random
import re
import shutil
import threading
import time
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import tones
from sounds import wav_header

from moodwire.audio.sample import write_sample
from moodwire.config import Config, ContextTopic
from moodwire.history.spans import bounds, hour_of
from moodwire.history.store import ContextHour, MoodMinute
from moodwire.model import load_bundle
from moodwire.pipeline import Pipeline
from moodwire.web.live import Snapshot, heard, unheard
from moodwire.web.passwords import hash_password

CHROMIUM = shutil.which("chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="needs the dev extra: playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]

LABELS = tuple(tones.HERTZ)
PREFIX = "/ingress/x7/"
PHONE = {"width": 360, "height": 740}
WEATHER = [
    ContextTopic(name="Outdoors", topic="weather/temperature", unit="°C"),
    ContextTopic(name="Humidity", topic="weather/humidity", unit="%"),
]


@pytest.fixture(scope="module")
def fake_microphone(tmp_path_factory) -> Path:
    """What Chromium hears when a page asks for its microphone."""
    path = tmp_path_factory.mktemp("microphone") / "voice.wav"
    write_sample(path)
    return path


@pytest.fixture(scope="module")
def chromium(fake_microphone):
    playwright.expect.set_options(timeout=60_000)  # only what hangs takes so long
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update"),
                *("--disable-sync", "--use-fake-ui-for-media-stream"),
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={fake_microphone}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Open a page; at the end it must have been silent on the console and stayed at home."""
    contexts, complaints = [], []

    def open_page(server, path="", *, forgive=(), **options):
        context = chromium.new_context(**{"viewport": {"width": 1000, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()

        def note(message):
            text = f"{message}" if isinstance(message, Exception) else message.text
            if not any(f in text for f in forgive):
                complaints.append(text)

        page.on("console", lambda m: note(m) if m.type in ("error", "warning") else None)
        page.on("pageerror", note)
        page.on(
            "request",
            lambda r: (
                None
                if r.url.startswith((server.url, "data:", "blob:"))
                else complaints.append(f"asked {r.url}")
            ),
        )
        page.goto(server.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


class AllIsSpeech:
    """Takes the tones for a voice."""

    def push(self, samples, logmel):
        return np.ones(len(logmel), np.float32)

    def reset(self):
        pass


def test_a_playing_recording_is_seen_live(serve, visit):
    host, server = serve()
    page = visit(server)
    expect = playwright.expect
    expect(page.locator("#mood")).to_have_text("not hearing")

    pipeline = Pipeline(load_bundle(tones.BUNDLE), Config(), scorer=AllIsSpeech())
    start = time.time()
    for seen in pipeline.push(tones.tone("happy", 6.0), 0.0):
        utc = start + seen.window.time
        host.feed.show(heard(host.feed.snapshot, seen, LABELS, utc))
    expect(page.locator("#mood")).to_contain_text("happy")
    expect(page.locator("#speech")).to_have_text("speech")
    expect(page.locator("output[data-label=happy]")).to_contain_text("%")
    expect(page.locator("#timeline")).to_have_attribute("aria-label", re.compile("happy"))

    host.feed.show(Snapshot(time=start - 3600, source="live", mood="sad", confidence=0.7))
    expect(page.locator("#timeline")).to_have_attribute("aria-label", re.compile(": sad"))

    host.feed.show(unheard(host.feed.snapshot, "muted", start + 7))
    expect(page.locator("#mood")).to_have_text("muted")
    expect(page.locator("#source")).to_contain_text("the microphone is closed")


@pytest.mark.parametrize(
    ("source", "heading", "cause"),
    [
        ("starting", "not hearing", "No sound has come yet"),
        ("stalled", "not hearing", "No sound arrives any more"),
        ("silent", "not hearing", "digital silence now"),
        ("lost", "not hearing", "Plug it in"),
        ("muted", "muted", "closed on purpose"),
        ("off", "not hearing", "No microphone is in use"),
        ("live", "listening", "nothing of it has been judged yet"),
    ],
)
def test_a_device_that_hears_nothing_says_why(serve, visit, source, heading, cause):
    host, server = serve()
    was = Snapshot(time=time.time(), source="live", mood="sad", confidence=0.7, speech=True)
    host.feed.show(was)
    page = visit(server)
    playwright.expect(page.locator("#speech")).to_have_text("speech")
    host.feed.show(unheard(was, source, time.time()))
    playwright.expect(page.locator("#mood")).to_have_text(heading)
    playwright.expect(page.locator("#explanation")).to_contain_text(cause)
    playwright.expect(page.locator("#speech")).to_have_text("speech –")


def test_a_restarted_device_is_found_again(serve, visit):
    host, server = serve()
    host.feed.show(Snapshot(time=time.time(), source="live", mood="quiet", speech=False))
    page = visit(server, forgive=("ERR_", "Failed to load resource"))
    playwright.expect(page.locator("#mood")).to_have_text("quiet")
    playwright.expect(page.locator("#speech")).to_have_text("no speech")
    port = server.port
    server.stop()
    assert server.ended.wait(60)  # its port is free now
    playwright.expect(page.locator("#mood")).to_have_text("offline")
    playwright.expect(page.locator("#speech")).to_have_text("speech –")
    host, _ = serve(port=port)
    host.feed.show(Snapshot(time=time.time(), source="live", mood="sad", confidence=0.7))
    playwright.expect(page.locator("#mood")).to_have_text("sad 70 %", timeout=15_000)


@pytest.fixture(scope="module")
def voice(tmp_path_factory) -> np.ndarray:
    """A second of silence, then the synthetic voice that comes with the product."""
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    write_sample(path)
    spoken, rate = soundfile.read(path, dtype="float32")
    assert rate == 16_000
    return np.concatenate([np.zeros(rate, np.float32), spoken])


def upload(page, path):
    page.set_input_files("#file", str(path))


@pytest.mark.parametrize("form", ["wav", "flac", "ogg", "mp3"])
def test_a_recording_is_judged_and_drawn(serve, visit, voice, tmp_path, form):
    _, server = serve()
    page = visit(server, "try")
    soundfile.write(tmp_path / f"voice.{form}", voice, 16_000)
    upload(page, tmp_path / f"voice.{form}")
    title = page.locator("#result-title")
    playwright.expect(title).to_contain_text(f"voice.{form}: ")
    moods = page.locator("#moods").get_attribute("aria-label")
    assert "quiet from 0:00" in moods
    drawn = page.evaluate(
        """() => ["waveform", "moods", "spectrogram"].map((id) => {
            const c = document.getElementById(id);
            const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
            return new Set(d).size > 3; })"""
    )
    assert drawn == [True, True, True]
    with page.expect_download() as download:
        page.click("#json")
    answer = json.loads(Path(download.value.path()).read_text())
    said = {"uncertain": "no mood is clear", "quiet": "nobody speaks"}
    assert said.get(answer["mood"], answer["mood"]) in title.inner_text()
    assert answer["mood"] != "quiet"
    assert sum(answer["probabilities"].values()) == pytest.approx(1.0, abs=0.01)
    assert answer["seconds"] == pytest.approx(len(voice) / 16_000, abs=0.2)
    assert [s["start"] for s in answer["spans"]][1:] == [s["end"] for s in answer["spans"]][:-1]
    with page.expect_download() as download:
        page.click("#csv")
    rows = Path(download.value.path()).read_text().splitlines()
    assert rows[0] == "seconds,mood,speech," + ",".join(LABELS)
    assert len(rows) == 1 + len(answer["windows"])


@pytest.mark.parametrize(
    ("seconds", "marks"),
    [
        (2, ["0.0 s", "0.5 s", "1.0 s", "1.5 s", "2.0 s"]),
        (80, ["0:00", "0:20", "0:40", "1:00", "1:20"]),
    ],
)
def test_no_two_marks_of_the_time_axis_say_the_same(serve, visit, tmp_path, seconds, marks):
    _, server = serve()
    page = visit(server, "try")
    soundfile.write(tmp_path / "calm.wav", np.zeros(16_000 * seconds, np.float32), 16_000)
    upload(page, tmp_path / "calm.wav")
    playwright.expect(page.locator("#result-title")).to_contain_text("calm.wav: ")
    assert page.locator("#axis span").all_inner_texts() == marks


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read"),
        (b"this is a letter, not a sound", "cannot be read"),
        (wav_header(data=3_000_000_000), "cannot be read"),  # brings nothing of it
        (b"OggS" + bytes(range(256)) * 40, "cannot be read"),
        (b"\xff\xfb\x90\x64" + b"\x00\xff" * 5000, "cannot be read"),
    ],
    ids=["empty", "text", "header that lies", "broken ogg", "broken mp3"],
)
def test_what_is_no_recording_is_refused_in_words(serve, visit, tmp_path, content, said):
    _, server = serve()
    page = visit(server, "try", forgive=("422",))
    (tmp_path / "odd.wav").write_bytes(content)
    upload(page, tmp_path / "odd.wav")
    playwright.expect(page.locator("#message")).to_contain_text(said)


def test_too_large_and_too_long_are_said(serve, visit, tmp_path):
    _, server = serve(upload_megabytes=1, upload_minutes=1)
    page = visit(server, "try", forgive=("422",))
    (tmp_path / "large.wav").write_bytes(bytes(1_100_000))
    upload(page, tmp_path / "large.wav")
    playwright.expect(page.locator("#message")).to_contain_text("at most 1 MB")
    soundfile.write(tmp_path / "long.flac", np.zeros(16_000 * 61, np.float32), 16_000)
    upload(page, tmp_path / "long.flac")
    playwright.expect(page.locator("#message")).to_contain_text("longer than 1 minutes")


def test_the_browser_records(serve, visit):
    _, server = serve()
    page = visit(server, "try", permissions=["microphone"])
    page.click("#record")
    playwright.expect(page.locator("#message")).to_contain_text("0:04")
    page.click("#record")
    title = page.locator("#result-title")
    playwright.expect(title).to_contain_text("your recording: ")
    playwright.expect(title).not_to_contain_text("nobody speaks")


def a_month(store, now: float) -> None:
    """People talk on and off from seven to eleven, and at the present hour, whichever it is: only
    then the page compares it. At six in the evening they are often angry."""
    chance = random.Random(0)
    rows, listened, context = [], [], []
    for back in range(30 * 24):
        hour = hour_of(now) - back * 3600
        local = time.localtime(hour).tm_hour
        listened.append((hour, 3600.0))
        context.append(ContextHour(hour, "Outdoors", 9 - 5 * math.cos((local - 3) / 3.82), 4))
        if not 7 <= local <= 22 and back % 24:
            continue
        anger = 40 if local == 18 else 1
        for minute in range(60):
            if chance.random() < 0.3:
                weights = (anger, 0.5, 0.5, 5, 9, 2, 5)
                (mood,) = chance.choices((*LABELS, "uncertain"), weights)
                rows.append(MoodMinute(hour + minute * 60, mood, chance.uniform(10, 55), 0.8))
    store.add(rows, listened, context)


def test_a_month_of_history_is_read_and_forgotten(serve, visit):
    host, server = serve(history=True)
    now = time.time()
    a_month(host.history, now)
    yesterday = date.fromtimestamp(now) - timedelta(days=1)
    start, end = bounds(yesterday)
    page = visit(server, f"history?day={yesterday}")
    assert page.locator(".day tbody tr").count() == (end - start) / 3600
    page.select_option("select[name=mood]", "neutral")
    playwright.expect(page.locator("#heat-title")).to_contain_text("neutral")
    page.wait_for_load_state()
    page.select_option("select[name=mood]", "angry")
    playwright.expect(page.locator("#heat-title")).to_contain_text("angry")
    monday = page.locator(".heat tbody tr").first.locator("td")
    playwright.expect(monday).to_have_count(24)
    shares = [int(text or 0) for text in monday.all_inner_texts()]
    evening = shares.pop(18)
    assert evening > 2 * max(shares) > 0
    assert "occasions" in monday.nth(18).get_attribute("title")

    page.on("dialog", lambda dialog: dialog.accept())
    page.select_option("select[name=what]", "everything")
    with page.expect_navigation():
        page.click("text=Forget >> nth=-1")
    page.goto(f"{server.url}history?day={yesterday}")
    playwright.expect(page.locator("main")).to_contain_text("Nothing was heard on this day.")
    assert host.history.moods(0, 2e10) == []


@pytest.fixture
def ingress():
    """A reverse proxy that serves another server under a path, as Home Assistant's ingress does."""
    running = []

    def start(server) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def forward(self):
                assert self.path.startswith(PREFIX), self.path
                inner = http.client.HTTPConnection("127.0.0.1", server.port)
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                inner.request(self.command, self.path[len(PREFIX) - 1 :], body, self.headers)
                answer = inner.getresponse()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name not in ("connection", "transfer-encoding"):
                        self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError, http.client.IncompleteRead):
                    while piece := answer.read1(65_536):
                        self.wfile.write(piece)

            do_GET = do_POST = forward  # noqa: N815

            def log_message(self, *_):
                pass

        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        proxy.daemon_threads = True
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        running.append(proxy)
        return f"http://127.0.0.1:{proxy.server_port}{PREFIX}"

    yield start
    for proxy in running:
        proxy.shutdown()


def test_it_works_behind_a_proxy_under_a_path(serve, visit, ingress, voice, tmp_path):
    host, server = serve(password_hash=hash_password("kitchen table"), history=True)
    host.feed.show(Snapshot(time=time.time(), source="live", mood="sad", confidence=0.7))
    page = visit(SimpleNamespace(url=ingress(server)))
    page.fill("input[type=password]", "kitchen table")
    page.click("text=Log in >> nth=-1")
    playwright.expect(page.locator("#mood")).to_have_text("sad 70 %", timeout=15_000)
    page.click("nav >> text=History")
    page.click("text=Show")
    page.click("nav >> text=Settings")
    page.click("text=Mute")
    playwright.expect(page.locator("[role=status]").first).to_have_text("The microphone is muted.")
    page.click("nav >> text=Try a recording")
    page.wait_for_url("**/try")  # and for its script, which hears of the file
    soundfile.write(tmp_path / "voice.flac", voice, 16_000)
    upload(page, tmp_path / "voice.flac")
    playwright.expect(page.locator("#result-title")).to_contain_text("voice")
    page.click("nav >> text=Now")
    page.click("nav >> text=Settings")
    page.click("text=Log out")
    playwright.expect(page.locator("h1")).to_have_text("Log in")


def test_logging_in_by_keyboard_alone(serve, visit):
    _, server = serve(password_hash=hash_password("kitchen table"))
    page = visit(server, forgive=("403",))
    playwright.expect(page.locator("input[type=password]")).to_be_focused()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    playwright.expect(page.locator("[role=alert]")).to_be_visible()
    page.locator("input[type=password]").focus()
    page.keyboard.type("kitchen table")
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#mood")).to_be_visible()
    for _ in range(20):  # to the settings, and there to the mute button
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Settings":
            break
    page.keyboard.press("Enter")
    playwright.expect(page.locator("h1")).to_have_text("Settings")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith("Mute"):
            break
    page.keyboard.press("Enter")
    playwright.expect(page.locator("[role=status]").first).to_have_text("The microphone is muted.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "try", "history", "settings"])
def test_every_page_is_accessible_and_fits_a_phone(serve, visit, path, scheme):
    from axe_playwright_python.sync_playwright import Axe

    host, server = serve(history=True, context=WEATHER)
    if path == "history":
        a_month(host.history, time.time())
    shares = dict.fromkeys(LABELS, 1 / len(LABELS))
    host.feed.show(
        Snapshot(
            time=time.time(), source="live", mood="happy", confidence=0.8, probabilities=shares
        )
    )
    page = visit(server, path, color_scheme=scheme, viewport=PHONE)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if path == "history":  # of an hour a minute is still seen, whatever stands beside it
        assert page.locator(".day svg").first.bounding_box()["width"] > 90
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 25, 27)"
    assert dark == (scheme == "dark")
