"""The users file: what is read, what is forgiven, and what is refused in one line."""

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.accounts import users as users_module
from storage.accounts.users import Users, UsersFileError


def users(directory: Path, content: bytes) -> Users:
    path = directory / "users.txt"
    path.write_bytes(content)
    return Users(path)


def test_one_name_a_line_in_lower_case(tmp_path: Path) -> None:
    found = users(tmp_path, b"johndoe\nJhaneRoe\n")
    assert [found.find(name) for name in (b"johndoe", b"jhaneroe", b"babydoe", b"")] == ["johndoe", "jhaneroe", None, None]
    assert len(found) == 2


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbfa\nb\n", b"a\r\nb\r\n", b"a\nb", b"\n\na\n \t\nb\n\n", b" a\t\n b", b"A\nB\nb\na\n"]
)
def test_what_editors_do_to_a_file_is_forgiven(tmp_path: Path, content: bytes) -> None:
    found = users(tmp_path, content)
    assert len(found) == 2 and found.find(b"a") == "a" and found.find(b"b") == "b"


def test_a_name_that_is_there_twice_is_one_mailbox_and_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert len(users(tmp_path, b"a\nb\nA\n")) == 2
    assert caplog.messages == [f"{tmp_path}/users.txt:3: a is listed twice: both lines are one mailbox, remove one"]


def test_a_name_that_looks_like_a_comment_is_a_mailbox_and_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert users(tmp_path, b"a\n#b\n").find(b"#b") == "#b"
    where = f"{tmp_path}/users.txt:2"
    assert caplog.messages == [f"{where}: #b is a mailbox: there are no comments here, remove the line if it is one"]


def test_only_ascii_letters_have_a_case(tmp_path: Path) -> None:
    found = users(tmp_path, "\N{KELVIN SIGN}ate\nÉva\n".encode())
    assert found.find(b"kate") is None
    assert found.find("\N{KELVIN SIGN}ate".encode()) == "\N{KELVIN SIGN}ate"
    assert found.find("Éva".encode()) == "Éva"
    assert found.find("éva".encode()) is None


@pytest.mark.parametrize(
    ("name", "flaw"),
    [
        (b"..", "begins with a dot"),
        (b".", "begins with a dot"),
        (b".journal", "begins with a dot"),
        (b"../x", "has a slash"),
        (b"/etc/passwd", "has a slash"),
        (b"<johndoe>", "has an angle bracket"),
        (b"a@example.org", "has an @, write only what stands before it"),
        (b"a/b", "has a slash"),
        (b"a\0b", "has a control character"),
        (b"a\x1b[2J", "has a control character"),
        (b"a\x7f", "has a control character"),
        (b"a\rb", "has a control character"),
        ("a\x85b".encode(), "has a control character"),
        (b"john doe", "has a blank in it"),
        ("a\u2003b".encode(), "has a blank in it"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"x" * 65, "is longer than 64 octets"),
        ("é".encode() * 33, "is longer than 64 octets"),
    ],
)
def test_a_name_that_is_not_fit_for_a_file_is_refused_by_line(tmp_path: Path, name: bytes, flaw: str) -> None:
    with pytest.raises(UsersFileError) as caught:
        users(tmp_path, b"johndoe\n\n" + name + b"\n")
    text = str(caught.value)
    assert text.startswith(f"{tmp_path}/users.txt:3: ") and flaw in text
    assert text.isprintable()


@given(st.text("ab.-_+@/ <\t\x00\x7fé", max_size=70).map(str.encode))
def test_the_short_cut_for_plain_names_finds_the_same_flaws(name: bytes) -> None:
    if users_module._PLAIN.fullmatch(name):
        longer = name + "é".encode()  # not plain any more, and no flaw in itself
        assert users_module.flaw_of(longer) == ("" if len(longer) <= 64 else "is longer than 64 octets")


def test_the_longest_name_is_a_mailbox(tmp_path: Path) -> None:
    assert users(tmp_path, b"x" * 64).find(b"x" * 64) == "x" * 64


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsersFileError, match="no names in it"):
        users(tmp_path, b"\n \r\n")
    with pytest.raises(UsersFileError, match=r"none\.txt: No such file or directory: give a text file"):
        Users(tmp_path / "none.txt")
    with pytest.raises(UsersFileError, match="Is a directory"):
        Users(tmp_path)


def test_a_bad_file_leaves_the_old_names_in_place(tmp_path: Path) -> None:
    found = users(tmp_path, b"a\n")
    (tmp_path / "users.txt").write_bytes(b"b\n../c\n")
    with pytest.raises(UsersFileError):
        found.reread()
    assert (found.find(b"a"), found.find(b"b")) == ("a", None)
    (tmp_path / "users.txt").write_bytes(b"b\n")
    found.reread()
    assert (found.find(b"a"), found.find(b"b")) == (None, "b")


def test_what_is_for_nobody_goes_to_who_catches_it(tmp_path: Path) -> None:
    path = tmp_path / "users.txt"
    path.write_text("johndoe\nmaria\n")
    users = Users(path, "maria")
    assert [users.find(name) for name in (b"johndoe", b"maria", b"nobody")] == ["johndoe", "maria", "maria"]
    with pytest.raises(UsersFileError, match="no user nobody in it: give --catch-all one of its names"):
        Users(path, "nobody")


@pytest.mark.parametrize(
    ("names", "catch_all", "postmaster", "whose"),
    [
        ("johndoe\nmaria\npostmaster\n", None, None, "postmaster"),
        ("johndoe\nmaria\npostmaster\n", None, "maria", "maria"),
        ("johndoe\nmaria\npostmaster\n", "johndoe", "maria", "maria"),
        ("johndoe\nmaria\n", "johndoe", "maria", "maria"),
        ("johndoe\nmaria\n", "maria", None, "maria"),
        ("johndoe\nmaria\n", None, None, None),
    ],
)
def test_whose_the_postmasters_mail_is(
    tmp_path: Path, names: str, catch_all: str | None, postmaster: str | None, whose: str | None
) -> None:
    """None: nobody's by that name; then it is the first user's, whom whoever asks knows."""
    path = tmp_path / "users.txt"
    path.write_text(names)
    users = Users(path, catch_all, postmaster)
    assert users.find(b"postmaster") == whose and users.first == "johndoe"


def test_there_is_one_rule_of_case_for_names_in_the_file_and_in_flags(tmp_path: Path) -> None:
    """A to Z only: other letters are compared as they are, as in addresses."""
    path = tmp_path / "users.txt"
    path.write_text("JOSÉ\nMaria\n")
    users = Users(path, "JOSÉ", "MARIA")
    assert users.find("josÉ".encode()) == "josÉ" == users.find(b"nobody") and users.find(b"postmaster") == "maria"
    with pytest.raises(UsersFileError, match="no user josé in it: give --catch-all one of its names"):
        Users(path, "josé")
    path.write_text("JOSÉ\n")
    with pytest.raises(UsersFileError, match="no user MARIA in it: give --postmaster one of its names"):
        users.reread()
    assert users.find(b"postmaster") == "maria", "what was read before stays"
