"""Who does the work: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Processes:
    workers: int = 1
    scheduler: str | None = None
    """Address of a Dask scheduler. Its workers must see the same files under the same paths."""

    def path(self, given: Path) -> Path:
        """As whoever does the work must be told it: workers of a cluster have folders of their own.

        Links are not followed, for they may lead elsewhere on each machine.
        """
        if self.scheduler is None:
            return given
        return Path(os.path.abspath(given))  # noqa: PTH100  # absolute() leaves `..` in

    @contextmanager
    def pool(self) -> Iterator[Executor]:
        if self.scheduler is None:
            with ProcessPoolExecutor(self.workers) as local:
                yield local
            return
        from distributed import Client

        try:
            client = Client(self.scheduler, timeout="10s")
        except (OSError, ValueError) as reason:
            raise ValueError(f"no Dask scheduler answers at {self.scheduler}: {reason}") from None
        # Not pure: a task writes files, so asking for it again means doing it again.
        with client, client.get_executor(pure=False) as cluster:
            yield cluster


ALONE = Processes()
