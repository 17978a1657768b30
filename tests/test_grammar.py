"""The grammar of RFC 5321 and its extensions: what is a command, what each is taken for, and what is none."""

import re
from time import process_time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import replies
from protocol.grammar import MAX_LINE, Auth, Chunk, Envelope, Path, mailbox_of, parse_esmtp
from protocol.replies import Reply
from protocol.table import Verb

from .paths import LOCAL_PARTS, MAILBOXES, PATHS, Written


def refusal_of(line: bytes) -> bytes:
    """The code and status with which a line is refused; nothing when it is not."""
    argument = parse_esmtp(line)[1]
    return b"%d %b" % (argument.code, argument.status) if isinstance(argument, Reply) else b""


@pytest.mark.parametrize(
    ("line", "verb", "argument"),
    [
        (b"EHLO mx.example", Verb.EHLO, b"mx.example"),
        (b"ehlo [IPv6:::1]", Verb.EHLO, b"[IPv6:::1]"),
        (b"HeLo x", Verb.HELO, b"x"),
        (b"HELO  x \t", Verb.HELO, b"x"),
        (b"DATA", Verb.DATA, b""),
        (b"data  ", Verb.DATA, b""),
        (b"RSET", Verb.RSET, b""),
        (b"QUIT", Verb.QUIT, b""),
        (b"STARTTLS", Verb.STARTTLS, b""),
        (b"NOOP", Verb.NOOP, b""),
        (b"NOOP anything \tat (all)", Verb.NOOP, b"anything \tat (all)"),
        (b"HELP", Verb.HELP, b""),
        (b"HELP MAIL", Verb.HELP, b"MAIL"),
        (b"VRFY John Doe", Verb.VRFY, b"John Doe"),
        (b"EXPN list", Verb.EXPN, b"list"),
        (b"BDAT 0", Verb.BDAT, Chunk(0)),
        (b"BDAT 86 LAST", Verb.LAST, Chunk(86)),
        (b"bdat 1  last", Verb.LAST, Chunk(1)),
        (b"BDAT 99999999999999999999", Verb.BDAT, Chunk(10**20 - 1)),
        (b"BDAT 000000000000000000000000007 LAST", Verb.LAST, Chunk(7)),
        (b"BDAT 0000", Verb.BDAT, Chunk(0)),
        (b"AUTH PLAIN", Verb.AUTH, Auth(b"PLAIN", None)),
        (b"auth plain AGEAYg==", Verb.PROOF, Auth(b"PLAIN", b"\0a\0b")),
        (b"AUTH PLAIN =", Verb.PROOF, Auth(b"PLAIN", b"")),
        (b"AUTH LOGIN", Verb.AUTH, Auth(b"LOGIN", None)),
        (b"AUTH login YQ==", Verb.AUTH, Auth(b"LOGIN", b"a")),
        (b"AUTH LOGIN =", Verb.AUTH, Auth(b"LOGIN", b"")),
    ],
)
def test_a_line_that_is_a_command(line: bytes, verb: Verb, argument: object) -> None:
    assert parse_esmtp(line) == (verb, argument)


@pytest.mark.parametrize(
    "line",
    [
        b"", b" ", b".", b"..", b" noop", b"\tnoop", b"noop\0", b"noop\tx", b"noop\r", b"\nnoop", b"data\r", b"quit\0",
        b"HELO\tx", b"ehlox", b"mailfrom:<>", b"MAIL\xa0FROM:<>", b"\xff\xfb\x01helo x", b"\xef\xbb\xbfEHLO x", b"XCLIENT",
        b"TURN", b"SEND FROM:<a@b>", b"ETRN x", b"LAST", b"END", b"PROOF x", b"OTHER", b"STORED", b"CHECKED", b"SECURED",
        "\N{KELVIN SIGN}".encode(), "re\N{LATIN SMALL LETTER LONG S}et".encode(),
    ],
)  # fmt: skip
def test_an_unknown_word_is_a_500(line: bytes) -> None:
    assert parse_esmtp(line) == (Verb.OTHER, replies.UNRECOGNIZED)


@pytest.mark.parametrize(
    ("verb", "line"),
    [
        (Verb.EHLO, b"ehlo"), (Verb.EHLO, b"EHLO "), (Verb.EHLO, b"ehlo a b"), (Verb.EHLO, b"ehlo a\0"),
        (Verb.EHLO, b"ehlo a\rb"), (Verb.EHLO, b"ehlo a\nb"), (Verb.EHLO, b"ehlo " + b"x" * 256), (Verb.HELO, b"helo"),
        (Verb.HELO, b"helo a\tb"), (Verb.HELO, b"helo a\x7f"), (Verb.DATA, b"data x"), (Verb.DATA, b"data \r"),
        (Verb.RSET, b"rset x"), (Verb.QUIT, b"quit now"), (Verb.STARTTLS, b"starttls now"), (Verb.NOOP, b"noop \x01"),
        (Verb.NOOP, b"noop a\nb"), (Verb.HELP, b"help \0"), (Verb.VRFY, b"vrfy"), (Verb.VRFY, b"vrfy a\tb"),
        (Verb.EXPN, b"expn"), (Verb.EXPN, b"expn \r"), (Verb.MAIL, b"mail"), (Verb.MAIL, b"mail from"),
        (Verb.MAIL, b"mail to:<a@b>"), (Verb.MAIL, b"mail from <a@b>"), (Verb.MAIL, b"mail from :<a@b>"),
        (Verb.RCPT, b"rcpt"), (Verb.RCPT, b"rcpt to"), (Verb.RCPT, b"rcpt from:<a@b>"), (Verb.BDAT, b"bdat"),
        (Verb.BDAT, b"bdat last"), (Verb.BDAT, b"bdat -1"), (Verb.BDAT, b"bdat +1"), (Verb.BDAT, b"bdat 0x1"),
        (Verb.BDAT, b"bdat 1e3"), (Verb.BDAT, b"bdat 1,0"), (Verb.BDAT, b"bdat 100000000000000000000"),
        (Verb.BDAT, b"bdat " + b"9" * 12_000), (Verb.BDAT, "bdat \N{ARABIC-INDIC DIGIT ONE}".encode()),
        (Verb.BDAT, b"bdat 1\n"), (Verb.AUTH, b"auth"), (Verb.AUTH, b"auth plain a b"), (Verb.AUTH, b"auth plain *"),
        (Verb.AUTH, b"auth plain YQ==\r"), (Verb.AUTH, b"auth " + b"X" * 21), (Verb.AUTH, b"auth PL.AIN"),
    ],
)  # fmt: skip
def test_bad_syntax_is_a_501_of_its_verb(verb: Verb, line: bytes) -> None:
    assert parse_esmtp(line)[0] is verb
    assert refusal_of(line) == b"501 5.5.4"


@pytest.mark.parametrize("rest", [b" x", b"  LAST x", b" LASTx", b" LAST\0", b" \n", b" LAST LAST"])
def test_a_bdat_that_says_how_many_octets_follow_tells_it_though_the_rest_is_wrong(rest: bytes) -> None:
    verb, chunk = parse_esmtp(b"BDAT 5" + rest)
    assert verb is Verb.BDAT and isinstance(chunk, Chunk)
    assert chunk.size == 5 and chunk.flaw and chunk.flaw.code == 501


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        (b"AUTH CRAM-MD5", b"504 5.5.4"),
        (b"AUTH XOAUTH2 YQ==", b"504 5.5.4"),
        (b"AUTH PLAIN Y", b"501 5.5.2"),
        (b"AUTH PLAIN YQ", b"501 5.5.2"),
        (b"AUTH PLAIN YQ=", b"501 5.5.2"),
        (b"AUTH PLAIN YQ==YQ==", b"501 5.5.2"),
        (b"AUTH PLAIN =YQ=", b"501 5.5.2"),
        (b"AUTH LOGIN ====", b"501 5.5.2"),
    ],
)
def test_what_auth_is_refused_with(line: bytes, refusal: bytes) -> None:
    assert parse_esmtp(line)[0] is Verb.AUTH
    assert refusal_of(line) == refusal


# Paths (sections 4.1.2 and 4.1.3)

IPV6 = ("::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3::6:7:8", "0001:ABCD:ef::", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4",
        "1::4:1.2.3.4", "1:2:3:4::1.2.3.4")  # fmt: skip
NO_IPV6 = (":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7::",
           "1:2:3:4::6:7:8", "::1.2.3", "::256.1.1.1", "1:2:3:4:5::1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1%eth0", " ::1",
           "1.2.3.4", "::1/64")  # fmt: skip


@pytest.mark.parametrize(
    ("written", "local_part", "domain"),
    [
        ("a@b", "a", "b"),
        ("John.Doe+tag@Mx.Example", "John.Doe+tag", "mx.example"),
        ("!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~", "x"),
        ("-@-.x".replace("-.", "a-b."), "-", "a-b.x"),
        ("1@2.3", "1", "2.3"),
        ('""@x', "", "x"),
        ('" "@x', " ", "x"),
        ('"a@b"@c', "a@b", "c"),
        ('"<>,:;[]"@c', "<>,:;[]", "c"),
        (r'"a\"\\\b\ c"@x', r'a"\b c', "x"),
        ('"john.doe"@x', "john.doe", "x"),
        ('"..."@x', "...", "x"),
        ("a@xn--mnchen-3ya.example", "a", "xn--mnchen-3ya.example"),
        ("é.ü@münchen.example", "é.ü", "münchen.example"),
        ('"é"@x', "é", "x"),
        ("\u2028@x", "\u2028", "x"),
        ("a@[127.0.0.1]", "a", "[127.0.0.1]"),
        ("a@[255.255.255.255]", "a", "[255.255.255.255]"),
        ("a@[127.000.000.001]", "a", "[127.000.000.001]"),
        *((f"a@[IPv6:{address}]", "a", f"[ipv6:{address.lower()}]") for address in IPV6),
        ("a@[ipV6:::1]", "a", "[ipv6:::1]"),
        (f"a@{'x' * 63}.y", "a", f"{'x' * 63}.y"),
        (f"a@{'x.' * 127}y", "a", f"{'x.' * 127}y"),
        (f"{'l' * 64}@x", "l" * 64, "x"),
    ],
)
def test_a_mailbox_of_the_grammar(written: str, local_part: str, domain: str) -> None:
    path = Path(written.encode(), local_part.encode(), domain.encode(), written.isascii())
    for route in ("", "@r:", "@r.example,@s-1.example:"):
        assert parse_esmtp(f"RCPT TO:<{route}{written}>".encode()) == (Verb.RCPT, Envelope(path, {}))
        assert parse_esmtp(f"Mail From: <{route}{written}> ".encode()) == (Verb.MAIL, Envelope(path, {}))


BAD = [
    "", "a", "@", "a@", "@b", "@b:", "a@b@c", "a..b@c", ".a@b", "a.@b", "a b@c", " a@b", "a@b ", "a @b", "a@ b", "a\t@b",
    "a@-b", "a@b-", "a@b.-c", "a@b-.c", "a@.b", "a@b.", "a@b..c", "a@b_c", "a@b!c", "a@(b)", "(x)a@b", "a,b@c", "a;b@c",
    "a:b@c", "a[b@c", "a\\b@c", "a\0b@c", "a@b\0", "a\rb@c", "a\nb@c", "a\x7fb@c", "a@b\r", '"a@b', 'a"@b', '"a"b@c',
    'a"b"@c', '"a"."b"@c', '"a\\"@b', '"a\0"@b', '"a\t"@b', '"a\r\n"@b', '"a\\\0"@b', '"a\\é"@b', "<a@b>", "a@b>", "<a@b",
    "@r,a@b", "@r a@b", "r:a@b", "@r:", "@r:@s:a@b", "@r,s:a@b", ",@r:a@b", "@[1.2.3.4]:a@b", "@r, @s:a@b", "a@[]",
    "a@[1.2.3]", "a@[1.2.3.4.5]", "a@[256.1.1.1]", "a@[1.2.3.0004]", "a@[1.2.3.4", "a@1.2.3.4]", "a@[1.2.3.4].x",
    "a@x.[1.2.3.4]", "a@[ 1.2.3.4]", "a@[::1]", "a@[x:y]", "a@[IPv4:1.2.3.4]", "a@[IPv6:]", "a@[tag:content]", "a@[[1]]",
    "a@[IPv6:::1]]", "a@[IPv6-::1]", "a@[-1.2.3.4]", "a@[1.2.3.\N{ARABIC-INDIC DIGIT ONE}]", f"a@{'x' * 64}.y",
    f"a@{'x.' * 127}yz", *(f"a@[IPv6:{address}]" for address in NO_IPV6),
]  # fmt: skip


@pytest.mark.parametrize("written", BAD)
def test_nothing_outside_the_grammar_is_a_mailbox(written: str) -> None:
    assert mailbox_of(b"<%b>" % written.encode()) is None
    assert refusal_of(b"MAIL FROM:<%b>" % written.encode()) == (b"501 5.1.7" if written else b"")
    assert refusal_of(b"RCPT TO:<%b>" % written.encode()) == b"501 5.1.3"


@pytest.mark.parametrize("octets", [b"\xff", b"\xc3", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"])
def test_octets_that_are_no_utf8_are_no_mailbox(octets: bytes) -> None:
    for mailbox in (b"<a%b@x>", b'<"%b"@x>', b"<a@x%bx>", b"<@r%br:a@x>"):
        assert mailbox_of(mailbox % octets) is None


def test_a_source_route_that_is_not_ascii_needs_smtputf8_as_the_mailbox_does() -> None:
    assert [path and path.is_ascii for path in map(mailbox_of, ("<@é:a@b>".encode(), "<é@b>".encode(), b"<@e:a@b>"))] == [
        False, False, True,
    ]  # fmt: skip


def test_only_a_reverse_path_is_null_and_only_the_postmaster_has_no_domain() -> None:
    assert parse_esmtp(b"MAIL FROM:<>") == parse_esmtp(b"mail from: <>") == (Verb.MAIL, Envelope(Path(b""), {}))
    assert refusal_of(b"RCPT TO:<>") == b"501 5.1.3"
    for name in (b"Postmaster", b"postmaster", b"POSTMASTER"):
        assert parse_esmtp(b"RCPT TO:<%b>" % name)[1] == Envelope(Path(name, b"postmaster"), {})
        assert refusal_of(b"MAIL FROM:<%b>" % name) == b"501 5.1.7"


@pytest.mark.parametrize(
    "path", [b"a@b", b"<a@b", b"a@b>", b"  <a@b>", b"\t<a@b>", b"<a@b><c@d>", b"<a@b>x", b"x<a@b>", b""]
)
def test_a_path_stands_in_angle_brackets_after_one_blank_at_most(path: bytes) -> None:
    assert refusal_of(b"RCPT TO:" + path) == b"501 5.1.3"
    assert refusal_of(b"MAIL FROM:" + path) == b"501 5.1.7"


# Parameters (section 4.1.2)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        (b"", {}),
        (b" SIZE=10", {b"SIZE": b"10"}),
        (b" size=10 BODY=8bitmime SmtpUtf8", {b"SIZE": b"10", b"BODY": b"8bitmime", b"SMTPUTF8": None}),
        (b" X-1-y 2", {b"X-1-Y": None, b"2": None}),
        (b" AUTH=<>", {b"AUTH": b"<>"}),
        (b" X=" + bytes(set(range(0x21, 0x7F)) - {0x3D}), {b"X": bytes(set(range(0x21, 0x7F)) - {0x3D})}),
        (" X=é".encode(), {b"X": "é".encode()}),
    ],
)
def test_parameters_are_keywords_with_and_without_a_value(text: bytes, parameters: object) -> None:
    for line in (b"MAIL FROM:<a@b>", b"MAIL FROM:<>", b'RCPT TO:<"> x=y"@b>', b"RCPT TO:<postmaster>"):
        envelope: Any = parse_esmtp(line + text)[1]
        assert envelope.parameters == parameters


@pytest.mark.parametrize(
    "text",
    [
        b" SIZE=", b" =10", b" SIZE=1=2", b" -X", b" X_Y", b" X=\0", b" X=\x7f", b" \xc3\xa9=1", b" SIZE=1 size=1", b" X X",
        b" SIZE=1\tBODY=8BITMIME", b" SIZE=1\nBODY=8BITMIME", b" SIZE=1\x0bX", b" SIZE=1\r", b" SIZE =1", b" SIZE= 1",
    ],
)  # fmt: skip
def test_parameters_outside_the_grammar_are_refused(text: bytes) -> None:
    assert refusal_of(b"MAIL FROM:<a@b>" + text) == b"501 5.5.4"
    assert refusal_of(b"RCPT TO:<a@b>" + text) == b"501 5.5.4"


# The limits of section 4.5.3.1, and lines as long as RFC 4954 asks for


def test_a_line_of_the_longest_length_is_read_and_a_longer_one_is_a_500() -> None:
    line = b"NOOP " + b"x" * (MAX_LINE - 5)
    assert parse_esmtp(line) == (Verb.NOOP, line[5:])
    assert parse_esmtp(line + b"x") == (Verb.OTHER, replies.UNRECOGNIZED)
    assert isinstance(parse_esmtp(b"AUTH PLAIN " + b"AAAA" * 3069)[1], Auth)


def test_a_path_of_256_octets_is_taken() -> None:
    written = b"<%b@%b>" % (b"l" * 64, b".".join([b"d" * 63, b"e" * 63, b"f" * 61]))
    assert len(written) == 256
    assert refusal_of(b"MAIL FROM:" + written) == refusal_of(b"RCPT TO:" + written) == b""


# By the grammar, and off it


@given(PATHS)
@example(Written(b"<@r:a@b>", b"a", b"b"))
def test_each_path_of_the_grammar_is_taken_and_comes_back_unquoted(written: Written) -> None:
    envelope = parse_esmtp(b"RCPT TO:" + written.text)[1]
    assert isinstance(envelope, Envelope) and envelope == parse_esmtp(b"MAIL FROM:" + written.text)[1]
    assert envelope.path.local_part == written.local_part
    assert envelope.path.domain == written.domain.lower()
    assert written.text.endswith(envelope.path.text + b">")
    again = mailbox_of(b"<%b>" % envelope.path.text)
    assert again and again[:3] == envelope.path[:3]


@given(PATHS, st.integers(0, 300), st.sampled_from([b"\0", b"\r", b"\n", b"\t", b"\x7f", b"\x1b", b"\xff", b"\r\n"]))
def test_a_path_with_an_octet_that_no_path_has_is_refused(written: Written, place: int, octets: bytes) -> None:
    at = place % len(written.text)
    assert refusal_of(b"RCPT TO:" + written.text[:at] + octets + written.text[at:]) == b"501 5.1.3"


@given(LOCAL_PARTS, MAILBOXES, st.integers(0, 300))
def test_a_path_with_something_missing_or_twice_is_refused(local: Written, written: Written, place: int) -> None:
    mailbox = written.text
    at = place % (len(mailbox) + 1)
    for wrong in (
        local.text, local.text + b"@", b"@" + mailbox, mailbox + b"@x", b"<" + mailbox, mailbox + b">", mailbox + b".",
        mailbox + b"-", b"." + mailbox, mailbox + b" ", b'"' + mailbox, mailbox + b'"', mailbox + b",x@y",
        *([] if mailbox[:at].endswith(b"\\") else [mailbox[:at] + b'"' + mailbox[at:]]),
    ):  # fmt: skip
        assert mailbox_of(b"<%b>" % wrong) is None, wrong


WORDS = st.sampled_from([b"MAIL FROM:<", b"RCPT TO:<", b"BDAT ", b"AUTH PLAIN ", b"VRFY ", b">", b'"', b"\\", b"@", b" ", b"=",
                         b"a", b".", b"[", b"IPv6:", b"]", b"1", b":", b",", b"SIZE", b"\t", b"\xc3\xa9"])  # fmt: skip


@given(st.lists(st.one_of(WORDS, st.binary(max_size=2)), max_size=12).map(b"".join))
def test_any_bytes_are_a_verb_and_an_argument_or_a_refusal(line: bytes) -> None:
    verb, argument = parse_esmtp(line)
    assert verb not in (Verb.END, Verb.STORED, Verb.CHECKED, Verb.SECURED)
    assert isinstance(argument, Reply) or (verb is not Verb.OTHER and isinstance(argument, bytes | Envelope | Chunk | Auth))
    if isinstance(argument, bytes):
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", argument)


# What takes long

SLOW = [
    b"a.", b"a", b"aa.", b'"', b'"a" ', b'\\"', b"@a,", b"@", b"@a:", b"<", b">", b"a-", b" x", b" x=y", b" ", b"0", b"[", b"::",
    b"\xc3\xa9", b"\\\\", b'"\\',
]  # fmt: skip


@pytest.mark.parametrize("many", SLOW)
def test_no_line_takes_long(many: bytes) -> None:
    """Backtracking would take ages and quadratic time seconds: what a pattern is given here takes milliseconds."""
    text = (many * MAX_LINE)[: MAX_LINE - 30]
    since = process_time()
    for line in (b"MAIL FROM:<%b", b"RCPT TO:<%b>", b"RCPT TO:<a@%b>", b"RCPT TO:<@%b:x@y>", b'RCPT TO:<"%b@x>', b"MAIL FROM:%b",
                 b"MAIL FROM:<a@b>%b", b"MAIL FROM:<a@[%b]>", b"BDAT %b x", b"AUTH %b", b"VRFY %b", b"EHLO %b\t.", b"%b"):  # fmt: skip
        parse_esmtp(line % text)
    assert process_time() - since < 2
