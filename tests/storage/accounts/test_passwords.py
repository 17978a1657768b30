"""The auth file: whose secret is whose, what is refused in one line, and that nothing secret is ever said."""

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import argon2
import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.accounts import passwords as passwords_module
from storage.accounts.passwords import AuthFileError, Passwords


def argon(secret: bytes, type: argon2.Type = argon2.Type.ID, time_cost: int = 1) -> bytes:
    """A hash that costs little, and is always the same."""
    hasher = argon2.PasswordHasher(time_cost=time_cost, memory_cost=8, parallelism=1, type=type)
    return hasher.hash(secret, salt=b"sixteen octets!!").encode()


def bcrypted(secret: bytes, prefix: bytes = b"2b", rounds: int = 4) -> bytes:
    """The same of the other kind."""
    return b"$" + prefix + bcrypt.hashpw(secret, b"$2b$%02d$abcdefghijklmnopqrstue" % rounds)[3:]


JO = argon(b"secret")
ANN = bcrypted(b"sesame")


def passwords(directory: Path, content: bytes) -> Passwords:
    path = directory / "auth.txt"
    path.write_bytes(content)
    return Passwords(path)


HASHES: list[Callable[[bytes], bytes]] = [
    *(lambda secret, type=type: argon(secret, type) for type in argon2.Type),
    *(lambda secret, prefix=prefix: bcrypted(secret, prefix) for prefix in (b"2a", b"2b", b"2y")),
]


@pytest.mark.parametrize("make", HASHES, ids=["argon2d", "argon2i", "argon2id", "2a", "2b", "2y"])
def test_only_the_secret_is_right(tmp_path: Path, make: Callable[[bytes], bytes]) -> None:
    found = passwords(tmp_path, b"jo:%b\n" % make("secrét".encode()))
    assert found.check(b"jo", "secrét".encode()) is True
    for secret in (b"", b"secret", b"Secr\xe9t", "secrét ".encode(), "secrét\0".encode()):
        assert found.check(b"jo", secret) is False
    assert found.check(b"ann", "secrét".encode()) is False


def test_a_hash_without_a_version_is_one_of_the_first_version(tmp_path: Path) -> None:
    first = argon2.low_level.hash_secret(b"x", b"saltsalt", 1, 8, 1, 16, argon2.Type.I, 16)
    for text in (first, first.replace(b"$v=16", b"")):
        assert passwords(tmp_path, b"jo:" + text).check(b"jo", b"x")


def test_names_are_compared_as_in_the_users_file(tmp_path: Path) -> None:
    found = passwords(tmp_path, b"Jo@Example.ORG:%b\n\xc3\x89va Doe/x:%b\n" % (JO, JO))
    assert len(found) == 2
    assert found.check(b"jo@example.org", b"secret") and found.check(b"JO@example.org", b"secret")
    assert found.check("Éva doe/X".encode(), b"secret") and not found.check("éva doe/x".encode(), b"secret")
    assert not found.check(b"jo", b"secret") and not found.check(b"", b"secret")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfjo:%b\nann:%b\n",
        b"jo:%b\r\nann:%b",
        b"# who\n\n \t\n  # what\n jo : %b \t\r\n\nann:\t%b\n#ann:x",
        b"ann:%b\njo:%b",
    ],
)
def test_what_editors_do_to_a_file_is_forgiven_and_comments_say_nothing(tmp_path: Path, content: bytes) -> None:
    first, second = (ANN, JO) if content.startswith(b"ann") else (JO, ANN)
    found = passwords(tmp_path, content % (first, second))
    assert len(found) == 2 and found.check(b"jo", b"secret") and found.check(b"ann", b"sesame")
    assert not found.check(b"jo", b"sesame") and not found.check(b"ann", b"secret")


# Limits of bcrypt


def test_what_bcrypt_would_not_look_at_is_refused_and_not_ignored(tmp_path: Path) -> None:
    found = passwords(tmp_path, b"jo:%b\nann:%b\n" % (argon(b"x" * 73), bcrypted(b"x" * 72)))
    assert found.check(b"ann", b"x" * 72)
    assert not found.check(b"ann", b"x" * 73) and not found.check(b"ann", b"x" * 71)
    assert found.check(b"jo", b"x" * 73)
    assert not found.check(b"nobody", b"x" * 73)


def test_a_secret_with_nul_is_nobodys(tmp_path: Path) -> None:
    found = passwords(tmp_path, b"jo:%b\nann:%b\n" % (argon(b"a\0b"), bcrypted(b"a")))
    assert not found.check(b"jo", b"a\0b") and not found.check(b"ann", b"a\0b") and not found.check(b"ann", b"a\0")


# What a check costs


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """Hash and secret of each check that is made, and none is right."""
    checked: list[tuple[bytes, bytes]] = []

    def is_of(text: bytes, secret: bytes) -> bool:
        checked.append((text, secret))
        return True

    monkeypatch.setattr(passwords_module, "_argon2", is_of)
    monkeypatch.setattr(passwords_module, "_bcrypt", is_of)
    return checked


def test_an_unknown_name_costs_what_most_known_ones_do(tmp_path: Path, checked: list[tuple[bytes, bytes]]) -> None:
    dear, cheap, older = argon(b"a", time_cost=2), [argon(b"b"), argon(b"c")], bcrypted(b"d")
    found = passwords(tmp_path, b"a:%b\nb:%b\nc:%b\nd:%b\n" % (dear, *cheap, older))
    assert not found.check(b"nobody", b"secret") and checked == [(cheap[0], b"secret")]
    for name, text in ((b"a", dear), (b"b", cheap[0]), (b"c", cheap[1]), (b"d", older)):
        checked.clear()
        assert found.check(name, b"secret") and checked == [(text, b"secret")]


def test_of_bcrypt_hashes_the_rounds_count(tmp_path: Path, checked: list[tuple[bytes, bytes]]) -> None:
    texts = bcrypted(b"a", rounds=5), bcrypted(b"b", b"2y"), bcrypted(b"c", b"2a")
    passwords(tmp_path, b"a:%b\nb:%b\nc:%b\n" % texts).check(b"nobody", b"secret")
    assert checked == [(texts[1], b"secret")]


def test_a_long_secret_is_checked_before_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the time would tell that there is such a name."""
    real, checked = bcrypt.checkpw, list[bytes]()

    def checkpw(secret: bytes, text: bytes) -> bool:
        checked.append(secret)
        return real(secret, text)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    found = passwords(tmp_path, b"ann:%b\n" % ANN)
    assert not found.check(b"ann", b"x" * 100) and not found.check(b"nobody", b"x" * 100)
    assert checked == [b"x" * 72] * 2


def test_another_thread_may_check_while_the_file_is_read_again(tmp_path: Path) -> None:
    found = passwords(tmp_path, b"jo:%b\n" % JO)
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.extend(found.check(b"jo", b"secret") for _ in range(200)))
    thread.start()
    for _ in range(50):
        found.reread()
    thread.join()
    assert answers == [True] * 200


def test_what_the_library_cannot_do_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> bool:
        raise argon2.exceptions.VerificationError("Memory allocation error")

    found = passwords(tmp_path, b"jo:%b\n" % JO)
    monkeypatch.setattr(argon2.PasswordHasher, "verify", no_memory)
    with pytest.raises(argon2.exceptions.VerificationError):
        found.check(b"jo", b"secret")


# What is refused


MALFORMED_ARGON2 = [
    b"$argon2id$",
    JO[:-2],
    JO[:-1] + b"5",
    JO + b"$",
    JO.replace(b"m=8", b"m=7"),
    JO.replace(b"m=8", b"m=08"),
    JO.replace(b"m=8", b"m=4294967296"),
    JO.replace(b"p=1", b"p=16777216"),
    JO.replace(b"t=1", b"t=0"),
    JO.replace(b"t=1", b"t=4294967296"),
    JO.replace(b"v=19", b"v=20"),
    JO.rpartition(b"$")[0] + b"$c2hv",
    JO.rpartition(b"$")[0] + b"$" + b"!" * 43,
    JO.rpartition(b"$")[0].rpartition(b"$")[0] + b"$c2FsdA$" + JO.rpartition(b"$")[2],
]
MALFORMED_BCRYPT = [
    b"$2b$",
    ANN[:-1],
    ANN + b".",
    ANN.replace(b"$04$", b"$03$"),
    ANN[:28] + b"/" + ANN[29:],
    ANN[:-1] + b"/",
]
UNKNOWN = [
    b"",
    b"secret",
    b"$1$abcdefgh$x",
    b"$argon2x$v=19",
    b"$2x$" + ANN[4:],
    b"{BLF-CRYPT}" + ANN,
    b"$6$" + JO,
    b"jo:" + JO,
]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        *((b"ann:" + text, "a malformed argon2 hash: write it again, or make a new one") for text in MALFORMED_ARGON2),
        *((b"ann:" + text, "a malformed bcrypt hash: write it again, or make a new one") for text in MALFORMED_BCRYPT),
        *((b"ann:" + text, "a hash of an unknown kind, or none: make one with argon2 or bcrypt") for text in UNKNOWN),
        (JO, "no colon in it: write name:hash"),
        (b":" + JO, "no name before the colon: write name:hash"),
        (b" \t : " + JO, "no name before the colon: write name:hash"),
        (b"a\0b:" + JO, "a name with a control character, or not in UTF-8: correct or remove this line"),
        ("a\x85b:".encode() + JO, "a name with a control character, or not in UTF-8: correct or remove this line"),
        (b"a\xff:" + JO, "a name with a control character, or not in UTF-8: correct or remove this line"),
        (b"JO:" + ANN, "the name of line 1 again: remove one of them"),
        (JO + b":jo", "a hash of an unknown kind, or none: make one with argon2 or bcrypt"),
    ],
)
def test_what_could_not_be_checked_is_refused_by_line_and_not_shown(tmp_path: Path, line: bytes, what: str) -> None:
    with pytest.raises(AuthFileError) as caught:
        passwords(tmp_path, b"jo:%b\n\n%b\n" % (JO, line))
    assert str(caught.value) == f"{tmp_path}/auth.txt:3: {what}"


@pytest.mark.parametrize(("library", "text", "other"), [("argon2", JO, ANN), ("bcrypt", ANN, JO)])
def test_a_library_is_needed_for_its_hashes_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, text: bytes, other: bytes
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert len(passwords(tmp_path, b"jo:" + other)) == 1
    with pytest.raises(AuthFileError) as caught:
        passwords(tmp_path, b"jo:%b\nann:%b\n" % (other, text))
    pypi = {"argon2": "argon2-cffi", "bcrypt": "bcrypt"}[library]
    what = f"the library for {library} is missing: install python3-{library} (Debian) or {pypi} (PyPI)"
    assert str(caught.value) == f"{tmp_path}/auth.txt:2: {what}"


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuthFileError, match="no names in it"):
        passwords(tmp_path, b"\n# jo:x\n")
    with pytest.raises(AuthFileError, match=r"none\.txt: No such file or directory: give a text file"):
        Passwords(tmp_path / "none.txt")


def test_a_bad_file_leaves_the_old_names_in_place(tmp_path: Path) -> None:
    found = passwords(tmp_path, b"jo:%b\n" % JO)
    (tmp_path / "auth.txt").write_bytes(b"ann:%b\njo:x\n" % ANN)
    with pytest.raises(AuthFileError):
        found.reread()
    assert found.check(b"jo", b"secret") and not found.check(b"ann", b"sesame")
    (tmp_path / "auth.txt").write_bytes(b"ann:%b\n" % ANN)
    found.reread()
    assert found.check(b"ann", b"sesame") and not found.check(b"jo", b"secret")


@given(st.binary(max_size=80), st.binary(max_size=8))
@settings(max_examples=300)
def test_whatever_is_in_the_file_the_error_is_one_line(
    tmp_path_factory: pytest.TempPathFactory, line: bytes, end: bytes
) -> None:
    for text in (line, b"jo:" + JO + end, b"jo:" + ANN[:40] + end):
        try:
            passwords(tmp_path_factory.getbasetemp(), text)
        except AuthFileError as error:
            assert str(error).isprintable() and "$" not in str(error)


@given(st.sampled_from([JO, ANN]), st.integers(0, 200), st.sampled_from(b"$./=,019aAzZm-"))
@settings(max_examples=300, deadline=None)
def test_a_hash_that_is_let_in_can_be_checked(
    tmp_path_factory: pytest.TempPathFactory, text: bytes, at: int, octet: int
) -> None:
    """One octet of it is another: then it is refused, or it is a hash of something else, but never an error later."""
    at %= len(text)
    if text[at - 2 : at] in (b"m=", b"t=", b"p=") or at in (4, 5):
        return  # it could take for ever
    changed = text[:at] + bytes([octet]) + text[at + 1 :]
    try:
        found = passwords(tmp_path_factory.getbasetemp(), b"jo:" + changed)
    except AuthFileError:
        return
    assert found.check(b"jo", b"another secret") is False


def test_nothing_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        found = passwords(tmp_path, b"jo:%b\nann:%b\n" % (JO, ANN))
        for name in (b"jo", b"ann", b"nobody"):
            found.check(name, b"secret")
    assert caplog.text == ""
