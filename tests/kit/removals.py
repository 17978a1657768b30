"""Ways to take the mail directory, or part of it, away from a running server."""

import subprocess
from pathlib import Path

import pytest


def remove(*paths: Path) -> None:
    subprocess.run(["rm", "-rf", *paths], check=False, timeout=20)  # files that come back meanwhile do not matter


def remove_the_journal(directory: Path) -> None:
    remove(directory / ".journal")


def remove_what_is_in_the_journal(directory: Path) -> None:
    remove(*(directory / ".journal").iterdir())


def move_away(directory: Path) -> None:
    directory.rename(directory.parent / "old")


def replace(directory: Path) -> None:
    move_away(directory)
    directory.mkdir(0o700)


def remove_the_spool(directory: Path) -> None:
    remove(directory / ".journal" / "spool")


def remove_a_segment(directory: Path) -> None:
    """Removes the segment that is written to now, or will be next."""
    every = sorted((directory / ".journal").glob("**/segment-*"))
    in_use = [path for path in every if path.read_bytes()[10:18].strip(b"\0")]
    remove((in_use or every)[-1])


MENDED = (remove_what_is_in_the_journal, remove_the_spool, remove_a_segment)
WAYS = (remove, remove_the_journal, *MENDED, move_away, replace)
EACH_WAY = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
