"""The words of a document."""

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.html_text import text_of_html


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("<p>You are <i>invited</i>.</p>", "You are invited."),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("a<br>b<BR/>c<div>d</div>e", "a\nb\nc\nd\ne"),
        ("<tr><td>a</td><td>b</td></tr>", "a b"),
        ("<title>x</title><style>p{}</style><script>alert('</p>')</script >shown", "shown"),
        ("a<!-- <p>no</p> -->b", "ab"),
        ("a &amp; b &eacute; &#8364; &nbsp;c &#x20ac;", "a & b é € c €"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ('<a href="x>y">link</a>', "link"),
        ("<a href='>'>x</a>", "x"),
        ("<a never closed", ""),
        ("a<!-- never closed", "a"),
        ("a<script>never closed", "a"),
        ('<svg/onload=alert(1)>b<img src="x', "b"),
        ("&#0;&#" + "9" * 5_000 + ";x", "\ufffd\ufffdx"),
        ("<!doctype html><html><body>x", "x"),
        ("<pre>a\nb</pre>", "a b"),
        ("", ""),
    ],
)
def test_the_text_of_a_document(document: str, text: str) -> None:
    assert text_of_html(document) == text


@given(
    words=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1), min_size=1, max_size=5)
)
def test_words_stay_words(words: list[str]) -> None:
    assert text_of_html(f"<p>{escape(' '.join(words))}</p>") == " ".join(words)


PIECES = ["<", ">", "/", "!--", "-->", '"', "'", "a", "script", "p", " ", "\n", "&#9", ";", "&"]


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_document_has_a_text(pieces: list[str]) -> None:
    text_of_html("".join(pieces)).encode("utf-8")
