"""Is the model what its manifest says, and does it answer here as it did where it was made."""

from __future__ import annotations

from moodwire.decision.thresholds import UnknownMoodError, check_config
from moodwire.diagnostics.finding import Findings, broken, fine
from moodwire.diagnostics.proof import prove_model, prove_pipeline
from moodwire.diagnostics.subject import Subject
from moodwire.features import FrontendSpec
from moodwire.model import Bundle, BundleError

OTHER_MODEL = "see: moodwire model --help; `moodwire model rollback` brings the previous one back"


def look_at_model(about: Subject) -> Findings:
    bundle = about.bundle
    if bundle is None:
        yield broken("bundle", about.bundle_fault, OTHER_MODEL)
        return
    manifest = bundle.manifest
    yield fine(
        "bundle",
        f"{manifest.name} {manifest.version} ({bundle.hash}), "
        f"{manifest.tflite_bytes / 1024:.0f} KiB, {len(bundle.labels)} moods; hashes match",
    )
    yield fine("contract", _contract(bundle.spec))
    try:
        yield from prove_model(bundle)
        yield from prove_pipeline(bundle)
    except BundleError as error:
        yield broken("golden outputs", str(error), OTHER_MODEL)
        return
    yield from _moods(about, bundle)


def _contract(spec: FrontendSpec) -> str:
    return f"{spec.kind}, {spec.window_frames} x {spec.width}, hash {spec.hash}: implemented here"


def _moods(about: Subject, bundle: Bundle) -> Findings:
    """The configuration may name moods that only another model knows."""
    try:
        check_config(bundle.labels, about.config)
    except UnknownMoodError as error:
        yield broken("moods in the configuration", str(error), "name moods that the model knows")
    else:
        yield fine("moods in the configuration", f"known: {', '.join(bundle.labels)}")
