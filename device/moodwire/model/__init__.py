"""The mood model: a bundle that is checked before it is trusted, and what runs it."""

from moodwire.model.bundle import Bundle, load_bundle, shipped_bundle, shipped_bundles
from moodwire.model.classifier import Classifier, golden_mismatches
from moodwire.model.manifest import BundleError, Manifest

__all__ = [
    "Bundle",
    "BundleError",
    "Classifier",
    "Manifest",
    "golden_mismatches",
    "load_bundle",
    "shipped_bundle",
    "shipped_bundles",
]
