"""Which mailboxes are in a directory, by the names in it alone: fast enough for the process that delivers.

`reader.py` looks closer. Raises OSError if the directory cannot be listed.
"""

import os
from pathlib import Path


def mbox_names(directory: Path) -> list[str]:
    """The names that have a file `<name>.txt`, in no order."""
    found = os.listdir(directory)  # noqa: PTH208 (names are wanted, not paths)
    return [name.removesuffix(".txt") for name in found if name.endswith(".txt") and not name.startswith(".")]


def maildir_names(directory: Path) -> list[str]:
    """The names that have a directory `<name>/`, in no order."""
    with os.scandir(directory) as found:
        return [entry.name for entry in found if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)]
