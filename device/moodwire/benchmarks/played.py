"""The daemon as `moodwire run` makes it, but hearing a recording; prints what it measured.

python -m moodwire.benchmarks.played CONFIG FILE real|fast
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from moodwire.config import ConfigFile
from moodwire.config.state import state_directory
from moodwire.service.controls import Controls
from moodwire.threads import limit_threads


def main() -> None:
    limit_threads()
    from moodwire.service.daemon import Daemon

    file = ConfigFile.read(Path(sys.argv[1]))
    config = file.config()
    command = [sys.executable, "-P", "-m", "moodwire.benchmarks.player", *sys.argv[2:4]]
    capture = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    controls = Controls.read(file, state_directory(config))
    daemon = Daemon(controls, config, capture=capture, ends_with_source=True)
    before = time.process_time()
    daemon.run()
    monitor = daemon.monitor
    figures = {
        "cpu_s": time.process_time() - before,
        "heard_s": monitor.ear.samples / monitor.parts.pipeline.spec.sample_rate,
        "lost": monitor.ear.lost,
        "hops": monitor.hops,
        "inferences": monitor.inferences,
        "latency_ms_p50": monitor.latency.quantile_ms(0.5),
        "latency_ms_p95": monitor.latency.quantile_ms(0.95),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
