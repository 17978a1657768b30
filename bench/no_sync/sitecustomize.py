"""Where this is on PYTHONPATH nothing is synced: a server that breaks its promise, to see that somebody notices."""

import os


def _nothing(file: int) -> None:
    """Says that it is on disk."""


os.fsync = os.fdatasync = _nothing  # type: ignore[assignment]
