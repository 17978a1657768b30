"""Fields are found as they stand, and a header has an end."""

from email import message_from_bytes, policy

from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.header import LONGEST_FIELD, MOST_FIELDS, Field, header_at, part_header_at, repeated

LINES = st.lists(
    st.sampled_from([b"Subject: x", b"To:y", b" folded", b"\tmore", b"no field", b"", b"--b", b"From x", b"C:\xe9"]),
    max_size=8,
)


def test_fields_are_unfolded() -> None:
    header = header_at(b"A: b\r\n\tc\r\n d\r\nE:\r\n\r\nbody", 0)
    assert header.fields == (Field("A", b"b c d"), Field("E", b"")) and header.end == 20
    assert header.first("a") == b"b c d" and header.first("x") == b"" and header.all("e") == [b""]
    assert header_at(b"A : b\n\n", 0).fields == (Field("A", b"b"),)


def test_a_header_ends_before_what_is_no_field() -> None:
    octets = b"A: b\nnothing of the kind\nC: d\n\nbody"
    assert octets[header_at(octets, 0).end :].startswith(b"nothing")
    assert octets[part_header_at(b"A: b\n--b\n", 0).end :] == octets[5:]


def test_the_separator_of_a_mailbox_is_no_field() -> None:
    header = header_at(b"From a@b Thu Jan  1 00:00:00 2026\nA: b\n\nbody", 0)
    assert header.fields == (Field("A", b"b"),)


def test_a_long_field_is_cut_and_not_in_a_letter() -> None:
    for shift in range(4):
        (field,) = header_at(b"A: " + b"x" * shift + "é".encode() * LONGEST_FIELD + b"\n\n", 0).fields
        assert field.is_cut and LONGEST_FIELD - 4 < len(field.value) <= LONGEST_FIELD
        field.value.decode("utf-8")


def test_the_body_is_found_behind_more_fields_than_are_read() -> None:
    octets = b"A: b\n" * (MOST_FIELDS + 5) + b"\nbody"
    header = header_at(octets, 0)
    assert len(header.fields) == MOST_FIELDS and octets[header.end :] == b"body"


def test_of_a_part_only_fields_of_its_content_are_read() -> None:
    octets = b"\nContent-Type: a/b;\n c=d\nX: content-id: y\nCONTENT-ID: <z>\n\nbody"
    header = part_header_at(octets, 1)
    assert header.fields == (Field("Content-Type", b"a/b; c=d"), Field("CONTENT-ID", b"<z>"))
    assert octets[header.end :] == b"body"


def test_repeated_fields_are_named() -> None:
    assert repeated(header_at(b"To: a\nCC: b\nto: c\n\n", 0).fields, ("to", "cc", "bcc")) == ["to"]


@given(lines=LINES, end=st.sampled_from([b"\n", b"\r\n"]))
def test_fields_are_those_that_the_standard_library_finds(lines: list[bytes], end: bytes) -> None:
    octets = b"X: 1" + end + end.join(lines) + end
    header = header_at(octets, 0)
    theirs = message_from_bytes(octets, policy=policy.compat32)
    mine = [(field.name, field.value.decode("utf-8", "surrogateescape")) for field in header.fields]
    known = [(name.rstrip(), "".join(str(value).split())) for name, value in theirs.raw_items()]
    assert [(name, "".join(value.split())) for name, value in mine] == known[: len(mine)]
    assert len(mine) == len(known) or b"--b" in lines or b"From x" in lines


@given(octets=st.binary(max_size=300), start=st.integers(0, 300))
def test_any_octets_have_a_header_and_an_end(octets: bytes, start: int) -> None:
    start = min(start, len(octets))
    for header in (header_at(octets, start), part_header_at(octets, start)):
        assert header.end >= start and all(b"\n" not in field.value for field in header.fields)
