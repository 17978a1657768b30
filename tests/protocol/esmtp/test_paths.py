"""Paths by the grammar of RFC 5321: what is one and what it says, and what is none."""

import re
from ipaddress import IPv6Address

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from protocol.engine.events import Event
from protocol.esmtp.domains import canonical, flaws
from protocol.esmtp.grammar import Envelope, mailbox_of, parse_strictly
from protocol.esmtp.paths import MAX_PATH, Path

from ...kit.paths import LOCAL_PARTS, MAILBOXES, PATHS, Written
from .test_grammar import refusal_of

CONTROL = re.compile("[\x80-\x9f\u2028\u2029]")
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
        ("é.ü@München.example", "é.ü", "xn--mnchen-3ya.example"),
        ('"é"@x', "é", "x"),
        ("\u2020@x", "\u2020", "x"),
        ("a@faß.example", "a", "xn--fa-hia.example"),
        ("a@mu\u0308nchen\u3002example", "a", "xn--mnchen-3ya.example"),
        ("a@[127.0.0.1]", "a", "[127.0.0.1]"),
        ("a@[255.255.255.255]", "a", "[255.255.255.255]"),
        ("a@[127.000.000.001]", "a", "[127.0.0.1]"),
        *((f"a@[IPv6:{address}]", "a", f"[ipv6:{IPv6Address(address).compressed}]") for address in IPV6),
        ("a@[ipV6:::1]", "a", "[ipv6:::1]"),
        (f"a@{'x' * 63}.y", "a", f"{'x' * 63}.y"),
        (f"a@{'x.' * 127}y", "a", f"{'x.' * 127}y"),
        (f"{'l' * 64}@x", "l" * 64, "x"),
    ],
)
def test_a_mailbox_of_the_grammar(written: str, local_part: str, domain: str) -> None:
    path = Path(written.encode(), local_part.encode(), domain.encode(), written.isascii())
    for route in ("", "@r:", "@r.example,@s-1.example:"):
        assert parse_strictly(f"RCPT TO:<{route}{written}>".encode()) == (Event.RCPT, Envelope(path, {}))
        assert parse_strictly(f"Mail From:<{route}{written}> ".encode()) == (Event.MAIL, Envelope(path, {}))


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
    assert parse_strictly(b"MAIL FROM:<>") == parse_strictly(b"mail from:<> ") == (Event.MAIL, Envelope(Path(b""), {}))
    assert refusal_of(b"RCPT TO:<>") == b"501 5.1.3"
    for name in (b"Postmaster", b"postmaster", b"POSTMASTER"):
        assert parse_strictly(b"RCPT TO:<%b>" % name)[1] == Envelope(Path(name, b"postmaster"), {})
        assert refusal_of(b"MAIL FROM:<%b>" % name) == b"501 5.1.7"


@pytest.mark.parametrize(
    "path", [b"a@b", b"<a@b", b"a@b>", b" <a@b>", b"  <a@b>", b"\t<a@b>", b"<a@b><c@d>", b"<a@b>x", b"x<a@b>", b""]
)
def test_a_path_stands_in_angle_brackets_without_a_blank(path: bytes) -> None:
    assert refusal_of(b"RCPT TO:" + path) == b"501 5.1.3"
    assert refusal_of(b"MAIL FROM:" + path) == b"501 5.1.7"


# By the grammar, and off it


@given(PATHS)
@example(Written(b"<@r:a@b>", b"a", b"b"))
def test_each_path_of_the_grammar_is_taken_and_comes_back_unquoted(written: Written) -> None:
    assume(len(written.text) <= MAX_PATH and not CONTROL.search(written.text.decode()))
    assume(flaws(written.domain) == ())  # one in other letters may be too long as it is sent to name servers
    envelope = parse_strictly(b"RCPT TO:" + written.text)[1]
    assert isinstance(envelope, Envelope) and envelope == parse_strictly(b"MAIL FROM:" + written.text)[1]
    assert envelope.path.local_part == written.local_part
    assert envelope.path.domain == canonical(written.domain)
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


@pytest.mark.parametrize("octets", [MAX_PATH, MAX_PATH + 1])
def test_a_path_has_an_end(octets: int) -> None:
    text = b"<%b@b.c>" % (b"z" * (octets - len(b"<@b.c>")))
    assert (mailbox_of(text) is None) == (octets > MAX_PATH)


@pytest.mark.parametrize("character", ["\x85", "\x9b", "\u2028", "\u2029"])
def test_what_some_programs_take_for_a_line_end_is_in_no_path(character: str) -> None:
    assert mailbox_of(f'<"a{character}b"@x>'.encode()) is None and mailbox_of(f"<a@x{character}y>".encode()) is None
