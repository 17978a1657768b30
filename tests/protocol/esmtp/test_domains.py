"""Domains as an operator writes them, in flags."""

import re

import pytest

from protocol.esmtp.domains import flaws, parse, parse_hostname


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Example.ORG.", b"example.org"), ("my_host", b"my_host"), ("Bücher.example", b"xn--bcher-kva.example"),
        ("[192.0.2.1]", b"[192.0.2.1]"), ("[IPv6:2001:DB8:0::1]", b"[ipv6:2001:db8::1]"),
    ],
)  # fmt: skip
def test_ways_of_writing_a_domain_are_one(text: str, domain: bytes) -> None:
    assert parse(text) == domain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.example,b.example", "is not one domain: give the flag once for each of them: a.example and b.example"),
        ("a.example b.example", "is not one domain: give the flag once for each of them: a.example and b.example"),
        (",", "is not one domain: give the flag once for each of them: example.org"),
        ("*.example.org", "is not a domain: no pattern is understood, write each domain, as in example.org"),
        ("me@example.org", "is an address: write what stands behind the @: example.org"),
        ("a..b", "is not a domain: write example.org"),
        ("", "is not a domain: write example.org"),
    ],
)
def test_what_is_no_domain_is_refused_with_what_to_write(text: str, words: str) -> None:
    more_than_one = "is not one name: write mx.example.org"
    for read, says in ((parse, words), (parse_hostname, more_than_one if re.search("[, ]", text) else words)):
        with pytest.raises(ValueError, match=re.escape(f"{text!r} {says}")):
            read(text)


def test_a_host_name_is_sent_as_it_is_written() -> None:
    assert parse_hostname("MX.Example.ORG") == b"MX.Example.ORG"
    assert parse_hostname("Bücher.example") == b"xn--bcher-kva.example"


@pytest.mark.parametrize("octets", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc2\x85"])
def test_octets_that_are_no_utf8_or_a_control_character_are_no_domain(octets: bytes) -> None:
    assert flaws(b"a%b.example" % octets) is None
    assert flaws("bücher.example".encode()) is not None
