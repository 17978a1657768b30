"""Names of header fields as Go writes them."""

import pytest

from web.mailpit.shapes import canonical


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("message-id", "Message-Id"), ("MIME-Version", "Mime-Version"), ("DKIM-Signature", "Dkim-Signature"),
        ("x-a--b", "X-A--B"), ("X_y", "X_y"), ("a b", "a b"), ("\u00e9-x", "\u00e9-x"), ("2x-y", "2x-Y"), ("", ""),
    ],
)  # fmt: skip
def test_a_name_is_as_go_has_it(name: str, wanted: str) -> None:
    assert canonical(name) == wanted
