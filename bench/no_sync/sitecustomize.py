"""With this on PYTHONPATH nothing is synced: a server that breaks its promise, to check that a test notices."""

import os


def _nothing(file: int) -> None:
    """Pretends to sync."""


os.fsync = os.fdatasync = _nothing  # type: ignore[assignment]
