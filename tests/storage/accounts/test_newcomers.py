"""Names that nobody wrote down get a mailbox each, up to a limit, and only names that are fit for a file."""

import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.accounts.newcomers import LOOK_EVERY, UNSEEN, Newcomers


class World:
    """A directory in memory, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.there: list[str] = []
        self.looks = 0
        self.error: OSError | None = None
        self.now = 1000.0
        self.look_takes = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def present(self) -> list[str]:
        self.looks += 1
        self.now += self.look_takes
        if self.error:
            raise self.error
        return self.there


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_each_name_is_a_mailbox_of_its_own_in_lower_case_ascii(world: World) -> None:
    newcomers = Newcomers(10, world.present)
    names = [newcomers.admit(name.encode()) for name in ("ana", "ANA", "ana+tag", "José", "JOSÉ", "Jose\u0301")]
    assert names == ["ana", "ana", "ana+tag", "josé", "josÉ", "jose\u0301"]


def test_the_limit_counts_what_is_there_and_what_was_given_out(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.there = ["old"]
    newcomers = Newcomers(3, world.present)
    with caplog.at_level(logging.WARNING):
        assert [newcomers.admit(name) for name in (b"a", b"b", b"c", b"d", b"a", b"old")] == [
            "a",
            "b",
            None,
            None,
            "a",
            "old",
        ]
    assert caplog.messages == [
        "there are 3 mailboxes, and no more are made: mail for new names is refused until some are removed"
    ]


def test_the_postmaster_has_a_mailbox_whatever_the_limit(world: World) -> None:
    newcomers = Newcomers(1, world.present)
    assert [newcomers.admit(name) for name in (b"a", b"b", b"Postmaster", b"c")] == ["a", None, "postmaster", None]


def test_who_is_removed_makes_room_and_the_next_limit_is_said_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.there = ["a", "b"]
    newcomers = Newcomers(2, world.present)
    assert newcomers.admit(b"c") is None
    world.there = ["a"]
    assert newcomers.admit(b"c") is None, "the last look was just now"
    world.now += LOOK_EVERY
    assert newcomers.admit(b"c") == "c" and newcomers.admit(b"d") is None
    assert len(caplog.messages) == 2


def test_what_others_made_counts_at_the_next_look(world: World) -> None:
    newcomers = Newcomers(3, world.present)
    assert newcomers.admit(b"a") == "a"
    world.there = ["x", "y"]
    world.now += LOOK_EVERY
    assert newcomers.admit(b"b") is None, "a is on its way, though not there yet"
    assert newcomers.admit(b"x") == "x"


def test_a_name_whose_mail_never_came_counts_for_an_hour(world: World) -> None:
    newcomers = Newcomers(1, world.present)
    assert newcomers.admit(b"a") == "a"
    world.now += UNSEEN - 1
    assert newcomers.admit(b"b") is None
    world.now += LOOK_EVERY
    assert newcomers.admit(b"b") == "b"


def test_looks_are_rare_and_known_names_need_none(world: World) -> None:
    world.look_takes = 0.5
    newcomers = Newcomers(1000, world.present)
    for number in range(100):
        newcomers.admit(b"name%d" % number)
        newcomers.admit(b"name0")
    assert world.looks == 1
    world.now += 24.0
    newcomers.admit(b"more")
    assert world.looks == 1, "half a second is two parts in a hundred of 25"
    world.now += 1.0
    newcomers.admit(b"and more")
    assert world.looks == 2


def test_a_directory_that_is_gone_has_nobody_and_one_that_cannot_be_read_has_who_was_there(world: World) -> None:
    world.there = ["a", "b"]
    newcomers = Newcomers(2, world.present)
    assert newcomers.admit(b"c") is None
    world.error = OSError(24, "Too many open files")
    world.now += LOOK_EVERY
    assert newcomers.admit(b"c") is None
    world.error = FileNotFoundError(2, "No such file or directory")
    world.now += LOOK_EVERY
    assert newcomers.admit(b"c") == "c"


FIT = ("a", "ana+tag", "x" * 64, "josé", "用户", "-rf", "*", "a.b", "lock", "txt", "journal", "a$b`c`", "index", "o'neil")
UNFIT = (
    "", ".", "..", ".journal", ".index", ".tls", "../x", "/etc/passwd", "a/b", "a\0b", "a\nb", "a b", "a\u2028b", "a\x85b",
    "a@b", "<a>", "x" * 65, "é" * 33, "x" * 300, "a.lock", "a.txt", "A.TXT.LOCK",
)  # fmt: skip


@pytest.mark.parametrize("name", FIT)
def test_a_name_that_is_fit_for_a_file(name: str) -> None:
    assert Newcomers.may_have_one(name.encode())


@pytest.mark.parametrize("name", [*(name.encode() for name in UNFIT), b"\xff\xfe", b"\xed\xa0\x80"])
def test_a_name_that_is_not(name: bytes) -> None:
    assert not Newcomers.may_have_one(name)


@given(st.binary(max_size=70) | st.text("ab./\0\n é@<\x85lockt", max_size=70).map(str.encode))
def test_whatever_name_comes_it_stays_in_the_directory_and_hides_nothing(name: bytes) -> None:
    newcomers = Newcomers(5, list)
    if newcomers.may_have_one(name):
        mailbox = newcomers.admit(name)
        assert mailbox and len(mailbox.encode()) <= 64 and mailbox.encode() == name.lower()
        assert "/" not in mailbox and "\0" not in mailbox and not mailbox.startswith(".")
        assert not mailbox.endswith((".txt", ".lock"))
