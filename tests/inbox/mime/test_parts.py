"""Parts are found where they stand, however they are nested."""

from email import message_from_bytes, policy
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime import parts
from inbox.mime.header import header_at
from inbox.mime.parts import MOST_LEVELS, MOST_PARTS, Structure, structure

from ...kit.bombs import nested

MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"


def found(octets: bytes) -> Structure:
    return structure(octets, header_at(octets, 0))


def texts(octets: bytes) -> list[tuple[str, bytes]]:
    """Each part's id and octets."""
    return [(part.id, octets[part.start : part.end]) for part in found(octets).parts]


def test_a_mail_without_parts_is_one() -> None:
    assert texts(b"Subject: x\n\nbody\n") == [("0", b"body\n")]
    assert texts(b"") == [("0", b"")]


def test_parts_are_numbered_as_by_mailpit() -> None:
    inner = b"Content-Type: multipart/alternative; boundary=i\n\n--i\n\ntext\n--i\n\nhtml\n--i--\n"
    octets = MIXED + b"preamble\n--b\n" + inner + b"--b\n\nlast\n--b--\nepilogue\n"
    assert texts(octets) == [("1.1", b"text"), ("1.2", b"html"), ("2", b"last")]
    assert [part.place for part in found(octets).parts] == ["multipart/alternative"] * 2 + ["multipart/mixed"]


def test_line_ends_before_a_boundary_belong_to_it() -> None:
    assert texts(MIXED.replace(b"\n", b"\r\n") + b"--b\r\n\r\na\r\n\r\n--b  \r\n\r\nb\r\n--b--") == [
        ("1", b"a\r\n"),
        ("2", b"b"),
    ]
    assert texts(MIXED + b"--b\n\n--b\n\n\n--b--\n") == [("1", b""), ("2", b"")]


def test_what_only_begins_like_a_boundary_is_text() -> None:
    assert texts(MIXED + b"--b\n\n--bc\n--b --\nx\n--b--\n") == [("1", b"--bc\n--b --\nx")]


def test_an_outer_boundary_ends_what_is_open_within() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=i\n\n--i\n\nopen\n"
    assert texts(MIXED + b"--b\n" + inner + b"--b\n\nnext\n") == [("1.1", b"open"), ("2", b"next\n")]


def test_behind_the_last_boundary_nothing_is_a_part() -> None:
    assert texts(MIXED + b"--b\n\na\n--b--\n--b\n\nnot\n") == [("1", b"a")]


def test_a_multipart_without_parts_is_text() -> None:
    octets = b"Content-Type: multipart/mixed; boundary=b; charset=x\n\nread me\n"
    (part,) = found(octets).parts
    assert found(octets).has_no_parts and part.type == "text/plain" and octets[part.start : part.end] == b"read me\n"


def test_a_boundary_that_is_not_named_is_the_one_that_comes_twice() -> None:
    octets = b"Content-Type: multipart/mixed\n\n--b\n\na\n--b--\n"
    assert texts(octets) == [("1", b"a")]
    assert texts(b"Content-Type: multipart/mixed\n\n--b\n\na\n") == [("0", b"--b\n\na\n")]


def test_a_part_whose_header_never_ends_begins_where_no_field_is() -> None:
    assert texts(MIXED + b"--b\nno header\n--b\nContent-Type: a/b\n--b--\n") == [("1", b"no header"), ("2", b"")]


def test_one_boundary_may_serve_two_levels() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\ninner\n--b--\n"
    assert texts(MIXED + b"--b\n" + inner + b"--b\n\nouter\n--b--\n") == [("1.1", b"inner"), ("2", b"outer")]


def test_a_digest_is_one_of_mails() -> None:
    (part,) = found(b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ny\n--b--\n").parts
    assert part.type == "message/rfc822"


def test_what_a_part_says_of_itself() -> None:
    header = b"Content-Type: Image/PNG; name=a.png\nContent-ID: <x@y>\nContent-Disposition: INLINE; filename=b.png\n"
    (part,) = found(MIXED + b"--b\n" + header + b"Content-Transfer-Encoding: base64\n\nAA\n--b--\n").parts
    assert part[:8] == ("1", "image/png", "multipart/mixed", {"name": "a.png"}, "inline", "b.png", "x@y", "base64")


def test_levels_are_opened_up_to_a_limit() -> None:
    assert [part.type for part in found(nested(MOST_LEVELS)).parts] == ["text/plain"]
    assert [part.type for part in found(nested(MOST_LEVELS + 1)).parts] == ["multipart/mixed"]
    deep = found(nested(MOST_LEVELS)).parts[0].id
    assert deep == f"0.{MOST_LEVELS}"


def test_parts_are_found_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_PARTS == 100_000
    monkeypatch.setattr(parts, "MOST_PARTS", 4)
    octets = MIXED + b"--b\n\nx\n" * 10 + b"--b--\n"
    assert found(octets).is_cut and texts(octets) == [("1", b"x"), ("2", b"x"), ("3", b"x")]


def tree(children: list[object]) -> Message:
    """A mail as the standard library makes it: a list is a multipart, a text a part."""
    multipart = MIMEMultipart()
    for child in children:
        multipart.attach(tree(child) if isinstance(child, list) else MIMEText(str(child)))
    return multipart


TREES = st.recursive(st.text("ab-\n", max_size=9), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=8)


@given(children=st.lists(TREES, min_size=1, max_size=3), is_crlf=st.booleans())
def test_parts_are_those_that_the_standard_library_wrote(children: list[object], is_crlf: bool) -> None:
    octets = tree(children).as_bytes(policy=policy.compat32.clone(linesep="\r\n" if is_crlf else "\n"))
    leaves = [part for part in message_from_bytes(octets).walk() if not part.is_multipart()]
    written = [str(part.get_payload()).encode() for part in leaves]
    assert [content for _, content in texts(octets)] == written


@given(
    pieces=st.lists(
        st.sampled_from([b"--b", b"--b--", b"--c", b"--c--", b"\n", b"\r\n", MIXED, MIXED.replace(b"=b", b"=c"), b"x"])
    )
)
def test_parts_of_any_octets_do_not_overlap(pieces: list[bytes]) -> None:
    octets = MIXED + b"".join(pieces)
    at = 0
    for part in found(octets).parts:
        assert at <= part.start <= part.end <= len(octets)
        at = part.end
    ids = [part.id for part in found(octets).parts]
    assert ids and len(set(ids)) == len(ids)


@given(first=st.sampled_from([b"a", b"a\n", b"--x"]), more=st.lists(st.sampled_from([b"b", b"c\n\nd", b"--bb"]), max_size=4))
def test_a_part_more_changes_none_of_the_others(first: bytes, more: list[bytes]) -> None:
    octets = MIXED + b"--b\n\n" + first
    for number, text in enumerate(more):
        before = texts(octets)
        octets += b"\n--b\n\n" + text
        assert texts(octets) == [*before, (str(number + 2), text)]
