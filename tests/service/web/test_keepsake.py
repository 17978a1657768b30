"""What is kept is there for whoever comes next, and whole, even if its keeper died while it kept it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.web.keepsake import PLACE, Keepsake


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "kept", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def test_the_last_one_is_found(file: int) -> None:
    assert Keepsake(file).kept() == b""
    first = Keepsake(file)
    for octets in (b"one", b"two", b"three"):
        first.keep(octets)
    second = Keepsake(file)
    assert second.kept() == b"three"
    second.keep(b"four")
    second.keep(b"x" * (PLACE + 1))
    assert Keepsake(file).kept() == b"four", "what is too long is not kept"


@pytest.mark.parametrize("damage", [b"", b"\xff", b"\0" * 30])
@pytest.mark.parametrize("at", [0, 8, 20, 24, 30])
def test_one_that_was_not_finished_does_not_count(file: int, at: int, damage: bytes) -> None:
    keeper = Keepsake(file)
    keeper.keep(b"the first of them")
    keeper.keep(b"the second of them")
    (place,) = (place for place in (0, PLACE) if b"second" in os.pread(file, 100, place))
    os.pwrite(file, damage, place + at)
    expected = b"the first of them" if damage else b"the second of them"
    assert Keepsake(file).kept() == expected


def test_a_file_that_cannot_be_used_is_no_reason_to_stop() -> None:
    keeper = Keepsake(-1)
    keeper.keep(b"x")
    assert keeper.kept() == b""
