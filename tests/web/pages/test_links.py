"""Addresses in texts, and of pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.pages.links import base_of, linked, list_address, root_of
from web.request import Request, Target


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("see https://a.example/b.", ["https://a.example/b"]),
        ("(https://a.example/x_(y))", ["https://a.example/x_(y)"]),
        ("<http://a.example?b=1&c=2>, HTTPS://B.example!", ["http://a.example?b=1&c=2", "HTTPS://B.example"]),
        ("javascript:alert(1) data:text/html,x //a.example ftp://a", []),
        ("https://a.example/\u202etxt", ["https://a.example/"]),
        ("https://", []),
    ],
)
def test_addresses_are_found(text: str, addresses: list[str]) -> None:
    assert [piece.text for piece in linked(text) if piece.is_link] == addresses


@given(st.text(st.sampled_from("htps:/.,()[]<> a"), max_size=80).map(lambda text: text + "https://a.b/" + text[::-1]))
def test_nothing_is_lost(text: str) -> None:
    assert "".join(piece.text for piece in linked(text)) == text


def test_links_begin_with_the_base_encoded() -> None:
    request = Request("GET", Target("/", {}), {}, base='/root é/mailbox/a?b#c"<')
    assert base_of(request) == "/root%20%C3%A9/mailbox/a%3Fb%23c%22%3C" and root_of(request) == "/root%20%C3%A9"
    assert list_address("/x", None) == "/x/" and list_address("/x", "a&b", 50) == "/x/search?query=a%26b&start=50"
