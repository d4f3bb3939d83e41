"""Is somebody speaking: the gate in front of the model."""

from moodwire.speech.scorer import SpeechScorer

__all__ = ["SpeechScorer"]
