"""Carries cross-validated figures into a run's folder, for the bundle made from it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from moodwire_training import run_files

ACCEPTANCE_METRICS = "acceptance_clips."
"""How names of metrics begin that the acceptance speakers gave."""


def record_results(run: Path, table: dict[str, Any]) -> None:
    """model.json gets the temperature; metrics.json the rows, named for a manifest."""
    if table["leaky"]:
        raise ValueError(f"plan {table['plan']!r} leaks: it says nothing of a voice that is new")
    record_file = run / run_files.RECORD
    record = json.loads(record_file.read_text())
    record["temperature"] = table["temperature"]
    record_file.write_text(json.dumps(record, indent=1))
    metrics_file = run / run_files.METRICS
    known = json.loads(metrics_file.read_text()) if metrics_file.exists() else []
    metrics = {metric["name"]: metric for metric in known}
    for name, row in table["rows"].items():
        key = f"{metric_name(table['plan'])}.{metric_name(name)}.uar"
        low, high = row["interval"] or (None, None)
        metrics[key] = {
            "name": key,
            "value": row["uar"],
            "protocol": (
                f"{table['arithmetic']}, plan {table['plan']}, recipe {table['recipe']}, "
                f"unseen speakers, {len(row['folds'])} tests together, seeds {table['seeds']}"
            ),
            "low": low,
            "high": high,
        }
    metrics_file.write_text(json.dumps(list(metrics.values()), indent=1))


def metric_name(row: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", row.lower())
