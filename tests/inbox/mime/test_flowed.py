"""Lines that a sender broke are one again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.flowed import LONGEST, unflowed


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("one \nline\n", "one line\n"),
        ("two\nlines", "two\nlines"),
        (" stuffed\n From", "stuffed\nFrom"),
        ("> quoted \n> text\nanswer", "> quoted text\nanswer"),
        (">> deep \n> less", ">> deep \n> less"),
        ("text \n-- \nAna", "text \n-- \nAna"),
        ("ends open ", "ends open "),
        ("", ""),
    ],
)
def test_paragraphs_are_one_line(text: str, whole: str) -> None:
    assert unflowed(text, False) == whole


def test_the_space_before_the_break_may_be_deleted() -> None:
    assert unflowed("bro \nken \n", True) == "broken"


def test_of_a_long_text_the_rest_stays_as_it_is() -> None:
    text = "a \n" * LONGEST
    assert unflowed(text, False).endswith("\na \na \n") and unflowed(text, False).startswith("a a a ")
    assert unflowed("x" * LONGEST + " \nx", False) == "x" * LONGEST + " \nx"


@given(text=st.text(st.sampled_from("a> -\n"), max_size=60), is_space_deleted=st.booleans())
def test_no_word_is_lost(text: str, is_space_deleted: bool) -> None:
    assert unflowed(text, is_space_deleted).count("a") == text.count("a")
