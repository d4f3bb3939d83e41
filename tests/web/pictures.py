"""Takes the README's pictures anew: `PYTHONPATH=tests/fixtures python tests/web/pictures.py`.

The voice is the synthetic one of `moodwire sample`; the month of history is made up.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from test_browser import a_month

from conftest import FakeHost
from moodwire.audio.file import FileSource
from moodwire.audio.sample import write_sample
from moodwire.config import Config, ContextTopic, History, Web
from moodwire.history.store import HistoryStore
from moodwire.model import load_bundle
from moodwire.pipeline import Pipeline
from moodwire.web.server import WebServer
from moodwire.web.standalone import Standalone

PICTURES = Path(__file__).parents[2] / ".pictures"
HEARD_SECONDS = 33
COLOURS = 96


def take(page: Page, name: str) -> None:
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    Image.open(path).convert("RGB").quantize(COLOURS, dither=0).save(path, optimize=True)


def now(page: Page, folder: Path) -> None:
    config = replace(Config(), web=Web(port=0))
    bundle = load_bundle()
    voice = FileSource(folder / "voice.wav")
    host = Standalone(config, bundle, Pipeline(bundle, config), voice)
    server = WebServer(host)
    server.start()
    page.goto(server.url)
    host.start()
    time.sleep(HEARD_SECONDS)
    take(page, "now")
    page.goto(server.url + "try")
    page.set_input_files("#file", str(folder / "voice.wav"))
    page.wait_for_selector("#result:not([hidden])", timeout=60_000)
    page.evaluate("document.activeElement.blur()")
    take(page, "try")
    host.stop()
    server.stop()


def history(page: Page, folder: Path) -> None:
    context = [ContextTopic(name="Outdoors", topic="weather/temperature", unit="°C")]
    settings = History(enabled=True, context=context)
    config = replace(Config(), web=Web(port=0), history=settings)
    store = HistoryStore(folder / "history.sqlite")
    a_month(store, time.time())
    server = WebServer(FakeHost(config, store))
    server.start()
    day = time.strftime("%Y-%m-%d", time.localtime(time.time() - 86_400))
    page.goto(f"{server.url}history?day={day}")
    take(page, "history")
    server.stop()


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as engine:
        write_sample(Path(folder) / "voice.wav")
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_page(viewport={"width": 880, "height": 700})
        now(page, Path(folder))
        history(page, Path(folder))
        browser.close()


if __name__ == "__main__":
    main()
