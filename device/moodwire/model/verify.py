"""Runs a bundle's model in a process of its own: one that crashes the runtime does us no harm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from moodwire.model.bundle import Bundle, load_bundle
from moodwire.model.classifier import Classifier, golden_mismatches
from moodwire.model.manifest import BundleError

SECONDS = 120.0
"""A Zero 2 W needs about one; a model that takes this long would never keep up."""

REFUSED = 4


def verify(directory: Path) -> Bundle:
    """Every check there is; raises BundleError with the reason."""
    bundle = load_bundle(directory)
    command = [sys.executable, "-P", "-m", __name__, str(directory)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise BundleError(f"the model takes longer than {SECONDS:.0f} s: too slow") from None
    if done.returncode == REFUSED:
        raise BundleError(done.stdout.strip())
    if done.returncode < 0:
        raise BundleError(f"the model crashes the runtime (signal {-done.returncode})")
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise BundleError(f"the model cannot be run: {''.join(last)}")
    return bundle


def _prove(directory: Path) -> None:
    bundle = load_bundle(directory)
    Classifier(bundle).run_quantised(bundle.golden_inputs[0])
    if wrong := golden_mismatches(bundle):
        raise BundleError(
            f"{wrong} of {len(bundle.golden_inputs)} golden windows are answered otherwise than "
            "where the bundle was made: the model or this device's runtime is not sound"
        )


if __name__ == "__main__":
    try:
        _prove(Path(sys.argv[1]))
    except BundleError as error:
        print(error)
        sys.exit(REFUSED)
