"""Sound files: whatever libsndfile reads, streamed a block at a time."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile

from moodwire.audio.resample import resampler_for
from moodwire.audio.source import (
    BLOCK_SECONDS,
    MODEL_RATE,
    Chunk,
    SourceError,
    check_channel,
    to_mono,
)


class ForwardFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """Where it can seek, soundfile seeks after each read; that spoils MP3, and costs time."""

    def seekable(self) -> bool:
        return False


class FileSource:
    """Reads wav, flac, ogg, opus, mp3 and more; any rate, any number of channels."""

    live = False

    def __init__(
        self, path: Path | str, *, channel: int = 0, block_seconds: float = BLOCK_SECONDS
    ) -> None:
        self.name = spelled(path)
        self._file = _open(Path(path))
        try:
            check_channel(channel, self._file.channels, self.name)
            self._resampler = resampler_for(self.name, self._file.samplerate)
        except SourceError:
            self._file.close()
            raise
        self._channel = channel
        self._block = np.empty(
            (max(1, round(block_seconds * self._file.samplerate)), self._file.channels), np.float32
        )
        self._position = 0
        self._finished = False

    @property
    def finished(self) -> bool:
        return self._finished

    def read(self, timeout: float = 0.0) -> Chunk | None:
        """The next chunk; a file never makes anyone wait."""
        while not self._finished:
            block = self._read_block()
            if len(block):
                samples = self._resampler.push(to_mono(block, self._channel))
            else:
                samples = self._resampler.flush()
                self.close()
            if len(samples):
                return self._chunk(samples)
        return None

    def close(self) -> None:
        self._finished = True
        self._file.close()

    def _read_block(self) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        try:
            block: np.ndarray[tuple[int, int], np.dtype[np.float32]] = self._file.read(
                dtype="float32", always_2d=True, out=self._block
            )
        except soundfile.SoundFileError as error:
            self.close()
            seconds = self._position / MODEL_RATE
            raise SourceError(f"{self.name}: damaged after {seconds:.1f} s ({error})") from error
        return block

    def _chunk(self, samples: np.ndarray[tuple[int], np.dtype[np.float32]]) -> Chunk:
        position = self._position
        self._position += len(samples)
        return Chunk(samples, position, position / MODEL_RATE)


def spelled(path: Path | str) -> str:
    """A file's name as it can be printed: old sticks and archives hold names that are not UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def _open(path: Path) -> ForwardFile:
    name = spelled(path)
    if path.is_dir():
        raise SourceError(f"{name} is a directory; name a sound file")
    try:
        if path.stat().st_size == 0:
            raise SourceError(f"{name} is empty; name a sound file")
        with path.open("rb"):
            pass  # libsndfile says 'System error' for everything that the system refuses
        return ForwardFile(os.fsencode(path))
    except OSError as error:
        raise SourceError(f"{name}: {error.strerror}") from error
    except soundfile.SoundFileError as error:
        kinds = "wav, flac, ogg, opus, mp3 and others are read"
        reason = getattr(error, "error_string", str(error))
        raise SourceError(
            f"{name} is no sound file that can be read: {reason} ({kinds})"
        ) from error
