"""What telling costs, measured against a real mosquitto; prints one JSON object.

python tests/benchmarks/link.py
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fixtures"))

from broker import Broker, Subscriber
from kitchen import LABELS, ROOT, began, config_for, observation

from moodwire.publish.clock import WallClock
from moodwire.publish.composer import Composer, ModelIdentity
from moodwire.publish.hardware import Hardware
from moodwire.publish.identity import Identities
from moodwire.publish.link import Link
from moodwire.publish.outbox import open_outbox
from moodwire.publish.topics import Topics

EVENTS = 500


def written() -> int:
    """Bytes that this process sent towards a disk."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes"):
            return int(line.split()[1])
    return 0


def microseconds(work: Callable[[], object], times: int = EVENTS) -> list[float]:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append((time.perf_counter() - start) * 1e6)
    return spent


def quantile(values: list[float], share: float) -> float:
    return round(sorted(values)[int(share * (len(values) - 1))], 1)


def measure(broker: Broker, store: str, directory: Path) -> dict[str, float]:
    clock = WallClock()
    composer = Composer(Topics("moodwire", "kitchen"), clock, ModelIdentity("m", "0", LABELS))
    config = config_for(broker, outbox={"store": store})
    outbox = open_outbox(config.outbox, directory, clock)
    link = Link(
        config,
        outbox,
        Identities.read(directory),
        clock=clock,
        labels=LABELS,
        hardware=Hardware("bench"),
        on_command=print,
        on_failure=print,
    )
    link.start()
    while not link.connected:
        time.sleep(0.01)
    link.publish(composer.source("live"))
    quiet = microseconds(lambda: composer.observe(observation(clock.monotonic())))
    delays, handing = [], []
    bytes_before = written()
    with Subscriber(broker, f"{ROOT}/event") as heard:
        for _ in range(EVENTS):
            now = clock.monotonic()
            told = composer.observe(observation(now, "happy", 0.7, began("happy", now)))
            mark, start = heard.mark(), time.perf_counter()
            link.publish(told)
            handing.append((time.perf_counter() - start) * 1e6)
            heard.wait(lambda _: True, after=mark)
            delays.append((time.perf_counter() - start) * 1e3)
    bytes_after = written()
    link.stop(2.0)
    outbox.close()
    return {
        "unchanged_hop_us": quantile(quiet, 0.5),
        "publish_event_us_p50": quantile(handing, 0.5),
        "publish_event_us_p95": quantile(handing, 0.95),
        "event_to_subscriber_ms_p50": quantile(delays, 0.5),
        "event_to_subscriber_ms_p95": quantile(delays, 0.95),
        "disk_bytes_per_event": round((bytes_after - bytes_before) / EVENTS),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        broker = Broker(Path(directory) / "broker")
        broker.start()
        try:
            result = {
                store: measure(broker, store, Path(directory) / store)
                for store in ("memory", "disk")
            }
        finally:
            broker.kill()
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
