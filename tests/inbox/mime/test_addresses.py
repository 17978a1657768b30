"""Addresses are found in whatever senders write where there should be some."""

from email.utils import formataddr, getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.addresses import MOST_ADDRESSES, Address, addresses

NAME = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("ana@example.org", [("", "ana@example.org")]),
        ("Ana Prado <ana@example.org>", [("Ana Prado", "ana@example.org")]),
        ('"Prado, Ana" <ana@example.org>, rui@example.net', [("Prado, Ana", "ana@example.org"), ("", "rui@example.net")]),
        ("ana@example.org (Ana Prado)", [("Ana Prado", "ana@example.org")]),
        ("=?utf-8?q?Jos=C3=A9=2C_x?= <jose@example.org>", [("José, x", "jose@example.org")]),
        ('"=?utf-8?q?Jos=C3=A9?=" <jose@example.org>', [("José", "jose@example.org")]),
        ("José <jose@example.org>", [("José", "jose@example.org")]),
        ("<ana@example.org>", [("", "ana@example.org")]),
        ("<@relay.example,@other.example:ana@example.org>", [("", "ana@example.org")]),
        ('"ana prado"@example.org', [("", '"ana prado"@example.org')]),
        ('"a\\"b" <ana@example.org>', [('a"b', "ana@example.org")]),
        ("friends: ana@example.org, Rui <rui@example.net>;", [("", "ana@example.org"), ("Rui", "rui@example.net")]),
        ("a@b.c; d@e.f", [("", "a@b.c"), ("", "d@e.f")]),
        ("Ana <ana@example.org", [("Ana", "ana@example.org")]),
        ("Ana <ana@example.org, Rui <rui@example.net>", [("Ana", "ana@example.org"), ("Rui", "rui@example.net")]),
        ("Ana Prado ana@example.org", [("Ana Prado", "ana@example.org")]),
        ("ana @ example.org", [("", "ana@example.org")]),
        ("root", [("", "root")]),
        ("Mail Delivery Subsystem", [("Mail Delivery Subsystem", "")]),
        ("undisclosed-recipients:;", [("undisclosed-recipients:;", "")]),
        ('"', [('"', "")]),
        ("(c):", [("(c):", "")]),
        ("(x): a@example.org;", [("", "a@example.org")]),
        ("=?utf-8?q?a?= <", [("a", "")]),
        (".ana.@example.org, <ana@example..org>,", [("", ".ana.@example.org"), ("", "ana@example..org")]),
        ("(a (nested) comment) ana@example.org", [("a nested comment", "ana@example.org")]),
        ("", []),
        (" , ,", [(", ,", "")]),
    ],
)
def test_addresses_of_a_field(value: str, found: list[tuple[str, str]]) -> None:
    assert addresses([value.encode()]) == tuple(Address(*pair) for pair in found)


def test_those_of_several_fields_are_told_together_and_bounded() -> None:
    assert [address.address for address in addresses([b"a@b", b"c@d"])] == ["a@b", "c@d"]
    assert len(addresses([b"a," * 8_000] * 3)) == MOST_ADDRESSES
    assert len(addresses([b"=?utf-8?q?a?= " * 1_000] * 1_000)) < 20


@given(
    pairs=st.lists(st.tuples(NAME, st.from_regex(r"[a-z0-9.+_-]{1,10}@[a-z0-9-]{1,10}\.org", fullmatch=True)), min_size=1)
)
def test_what_the_standard_library_writes_is_read(pairs: list[tuple[str, str]]) -> None:
    pairs = [(name, address) for name, address in pairs[:5] if "=?" not in name]
    assert addresses([", ".join(formataddr(pair) for pair in pairs).encode()]) == tuple(Address(*pair) for pair in pairs)


@given(pairs=st.lists(st.from_regex(r"([A-Z][a-z]{1,5} )?<[a-z]{1,5}@[a-z]{1,5}>", fullmatch=True), min_size=1, max_size=5))
def test_good_ones_are_those_that_the_standard_library_finds(pairs: list[str]) -> None:
    assert [tuple(pair) for pair in addresses([", ".join(pairs).encode()])] == getaddresses([", ".join(pairs)])


@given(value=st.text(st.sampled_from('ab@.,;:<>()"\\ é=?'), max_size=60))
def test_something_is_told_of_any_field(value: str) -> None:
    found = addresses([value.encode()])
    assert bool(found) == bool(value.strip()) and all(address != ("", "") for address in found)


@given(value=st.binary(max_size=200))
def test_any_octets_are_read(value: bytes) -> None:
    for address in addresses([value, value]):
        "".join(address).encode("utf-8")
