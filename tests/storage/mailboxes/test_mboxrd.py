"""A message in a mailbox file is found again, byte for byte, whatever it holds."""

import itertools
import mailbox
import re
import tempfile
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage.mailboxes import mboxrd
from storage.mailboxes.fields import unix_pieces
from storage.mailboxes.letter import Letter

from ...kit.support import NOW, as_stored

TRACE = (
    b"Received: from me ([192.0.2.1])\r\n\tby mx (carteiro) with SMTP id 1\r\n\tfor <b>; Mon, 1 Jan 2026 00:00:00 +0000\r\n"
)


def entry(content: bytes, reverse_path: bytes = b"a@b", is_verbatim: bool = False) -> bytes:
    """The entry, which is the same whether the content is in memory or comes from the spool, in pieces."""
    cut = len(content) // 2 if len(content) >= 2000 else len(content)
    sizes = {False: [content], True: [content[:cut], content[cut:]]}
    letters = [
        Letter("1", NOW, reverse_path, [b"b"], TRACE, partial(iter, pieces), is_large, is_verbatim)
        for is_large, pieces in sizes.items()
    ]
    whole, in_pieces = [b"".join(mboxrd.entry(letter)) for letter in letters]
    assert whole == in_pieces
    return whole


def test_an_entry_word_for_word() -> None:
    assert entry(b"Subject: x\r\n\r\nFrom me\r\n") == (
        b"From a@b Mon Sep 21 14:13:20 2026\n"
        b"Return-Path: <a@b>\n"
        b"Delivered-To: b\n"
        b"Received: from me ([192.0.2.1])\n"
        b"\tby mx (carteiro) with SMTP id 1\n"
        b"\tfor <b>; Mon, 1 Jan 2026 00:00:00 +0000\n"
        b"Subject: x\n"
        b"\n"
        b">From me\n"
        b"\n"
    )


@pytest.mark.parametrize(
    ("content", "stands"),
    [
        (b"", b"\n"),
        (b"hello\r\n", b"\nhello\n"),
        (b" folded\r\n", b"\n folded\n"),
        (b"\r\nhello\r\n", b"\nhello\n"),
        (b"no header: here\r\n", b"\nno header: here\n"),
        (b": x\r\n", b"\n: x\n"),
        (b"caf\xc3\xa9: x\r\n", b"\ncaf\xc3\xa9: x\n"),
        (b"X-Y: z\r\n", b"X-Y: z\n"),
        (b"X : z\r\n", b"X : z\n"),
        (b"no end", b"\nno end\n"),
        (b"\r\r\nx\r\n", b"\n\r\nx\n"),
        (b"a\r\r\nb\rc\r\n", b"\na\r\nb\rc\n"),
        (b">>From x\r\nFrom\r\nFrom x", b"\n>>>From x\nFrom\n>From x\n"),
        (b"From x\r\nA: b\r\n\r\nFrom y\r\n", b"X-Mailbox-Line: From x\nA: b\n\n>From y\n"),
        (b">From x\r\n>>From \r\nA: b\r\n", b"X-Mailbox-Line: >From x\nX-Mailbox-Line: >>From \nA: b\n"),
        (b"From x\r\n folded\r\nA: b\r\n", b"X-Mailbox-Line: From x\n folded\nA: b\n"),
        (b"From x\r\n\r\nA: b\r\n", b"\n>From x\n\nA: b\n"),
        (b"From x\r\nno header\r\n", b"\n>From x\nno header\n"),
        (b"From: x\r\nA: b\r\n", b"From: x\nA: b\n"),
    ],
)
def test_how_content_stands_after_the_trace_fields(content: bytes, stands: bytes) -> None:
    trace = TRACE.replace(b"\r\n", b"\n")
    assert entry(content).split(trace, 1)[1] == stands + b"\n"


@pytest.mark.parametrize(
    ("reverse_path", "shown"),
    [
        (b"", b"MAILER-DAEMON"),
        (b"johndoe", b"johndoe"),
        (b'"a\\"@b', b"?a??@b"),
        (b"\xc3\xa9@b", b"??@b"),
        (b"a\0b", b"a?b"),
    ],
)
def test_the_separator_is_one_that_mail_programs_know(reverse_path: bytes, shown: bytes) -> None:
    lines = entry(b"", reverse_path).split(b"\n")
    assert lines[0] == b"From " + shown + b" Mon Sep 21 14:13:20 2026"
    assert lines[1] == b"Return-Path: <" + reverse_path + b">"


@pytest.mark.parametrize(
    ("end", "gap"), [(b"", b""), (b"\n\n", b""), (b"x\n", b"\n"), (b"xy", b"\n\n"), (b"\n", b"\n"), (b"x", b"\n\n")]
)
def test_a_new_entry_begins_after_a_blank_line(end: bytes, gap: bytes) -> None:
    assert mboxrd.gap(end) == gap


CONTENT = st.lists(
    st.one_of(
        st.binary(max_size=12), st.sampled_from([b"From ", b">From x", b"\n", b"\r\n", b"\r", b"A: b", b"", b"From x\n\n"])
    ),
    max_size=8,
).map(b"".join)


@given(st.lists(CONTENT, max_size=4))
@example([b"From a Mon Sep 21 14:13:20 2026\r\n\r\n", b"\n\n\n", b""])
def test_any_bytes_come_back_through_a_mail_program(contents: list[bytes]) -> None:
    """`mailbox.mbox` knows the separators; the one `>` that mboxrd puts before a From line is taken off here."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "box"
        path.write_bytes(b"".join(entry(content) for content in contents))
        box = mailbox.mbox(path, create=False)
        found = [box.get_bytes(key) for key in box.iterkeys()]
        box.close()
    trace = b"Return-Path: <a@b>\nDelivered-To: b\n" + TRACE.replace(b"\r\n", b"\n")
    messages = [re.sub(rb"(?m)^>(>*From )", rb"\1", text.removeprefix(trace)) for text in found]
    assert all(text.startswith(trace) for text in found)
    assert messages == [with_end(as_stored(content)) for content in contents]


@given(CONTENT, st.lists(st.integers(0, 30)))
@example(b"\n>>From x\r\nFrom y", [3])
@example(b"a\r\nb", [2])
def test_where_content_is_cut_makes_no_difference(content: bytes, cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(content)]
    pieces = [content[start:end] for start, end in itertools.pairwise(ends)]
    assert b"".join(mboxrd.quoted(pieces)) == b"".join(mboxrd.quoted([content]))
    assert b"".join(unix_pieces(pieces)) == content.replace(b"\r\n", b"\n")


def with_end(lines: bytes) -> bytes:
    """A file's last line ends."""
    return lines if lines.endswith(b"\n") or not lines else lines + b"\n"


def test_of_a_long_run_of_quotes_only_the_end_waits() -> None:
    pieces = [b"x\n" + b">" * 1000, *[b">" * 1000] * 5, b">Fr", b"om x\n"]
    found = list(mboxrd.quoted(iter(pieces)))
    assert len(found) >= 6 and b"".join(found) == b"x\n>" + b"".join(pieces)[2:]


def test_a_long_sender_does_not_make_a_separator_that_mail_programs_do_not_see() -> None:
    separator = entry(b"\n", b"z" * 9000 + b"@b.c").partition(b"\n")[0]
    assert len(separator) < 2000


# What of a sender's would be the mailbox's


OURS = ["Status", "X-Status", "X-Keywords", "X-UID", "X-IMAP", "X-IMAPbase", "Content-Length", "X-Mozilla-Status", "X-UIDL"]


@pytest.mark.parametrize("name", OURS)
def test_a_senders_field_that_programs_take_for_the_mailboxs_has_another_name(name: str) -> None:
    for written in (name, name.lower(), name.upper(), name + " ", name + "\t "):
        header = f"A: b\r\n{written}: 1\r\n folded: 2\r\nX{written}: 3\r\n".encode()
        body = f"\r\n{written}: 4\r\n\r\n{written}: 5\r\n".encode()
        stands = entry(header + body).split(TRACE.replace(b"\r\n", b"\n"), 1)[1]
        expected = f"A: b\nX-Original-{written}: 1\n folded: 2\nX{written}: 3\n\n{written}: 4\n\n{written}: 5\n\n"
        assert stands == expected.encode()
        first = entry(header.partition(b"\r\n")[2] + body)
        assert f"+0000\nX-Original-{written}: 1\n".encode() in first


def test_behind_a_cr_alone_too() -> None:
    """Python's mailbox takes that for a line end, and would show the message as deleted."""
    text = entry(b"Subject: one\rStatus: RO\rX-Status: D\r\n\r\nx\rStatus: y\r\n")
    assert b"Subject: one\rX-Original-Status: RO\rX-Original-X-Status: D\n\nx\rStatus: y\n" in text
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "box"
        path.write_bytes(text)
        (message,) = mailbox.mbox(path, create=False)
        assert message.get_flags() == ""


def test_a_message_without_a_header_has_nothing_renamed() -> None:
    for content in (b"Hello\r\nStatus: fine\r\n", b"\r\nStatus: fine\r\n", b"no header: x\r\nStatus: fine\r\n"):
        assert b"\nStatus: fine\n" in entry(content)


def test_a_header_that_never_ends_is_renamed_to_its_end() -> None:
    assert entry(b"A: b\r\nno field\r\nStatus: RO").endswith(b"A: b\nno field\nX-Original-Status: RO\n\n")


HEADERS = st.lists(
    st.sampled_from(
        [b"Status", b"status ", b"X-UID", b"X-Status-2", b"A", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"x" * 50]
    ),
    max_size=12,
).map(b"".join)


@given(HEADERS, st.lists(st.integers(0, 80), max_size=5))
@example(b"Status" + b" " * 5000 + b": RO\n\nStatus: x\n", [6, 5000, 5006])
def test_where_a_header_is_cut_makes_no_difference(content: bytes, cuts: list[int]) -> None:
    whole = b"Return-Path: <>\n" + content
    ends = [0, *sorted(cut + 16 for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in itertools.pairwise(ends) if start < end]
    header, end, body = re.match(rb"(?s)(.*?)(\n\r?\n|\Z)(.*)", whole).groups()  # type: ignore[union-attr]
    expected = re.sub(rb"(?mi)(^|\r)((?:status|x-uid)[ \t]*:)", rb"\1X-Original-\2", header) + end + body
    assert b"".join(mboxrd.renamed(iter(pieces))) == expected


def test_of_a_long_name_with_blanks_only_so_much_waits() -> None:
    pieces = [b"A: b\nStatus", *[b" " * 1000] * 50, b": RO\n"]
    found = list(mboxrd.renamed(iter(pieces)))
    assert max(map(len, found)) < 8000 and b"".join(found) == b"A: b\nX-Original-" + b"".join(pieces)[5:]


QUOTES = st.lists(
    st.sampled_from([b">", b">>", b"From ", b"Fro", b"\n", b"\r\n", b"a", b">From x\n", b"\n\n"]), max_size=12
).map(b"".join)


@given(QUOTES, st.lists(st.integers(0, 80), max_size=5))
@example(b">" * 20 + b"From x\n", [3, 9])
def test_content_comes_back_out_of_its_entry(content: bytes, cuts: list[int]) -> None:
    """As it was put in, but for a line end at its end; wherever the entry is cut."""
    entry = b"".join(mboxrd.entry(Letter("id", NOW, b"a@b", [], b"", lambda: iter([content]), is_verbatim=True)))
    ends = sorted({min(cut, len(entry)) for cut in cuts} | {len(entry)})
    pieces = [entry[start:end] for start, end in zip([0, *ends], ends, strict=False) if start < end]
    got = b"".join(mboxrd.content_of(pieces))
    wanted = b"".join(mboxrd.content_of([entry]))
    assert got == wanted
    assert got.endswith(content if content.endswith(b"\n") else content + b"\n")
