"""Octets in pieces, as a network may bring them."""

from hypothesis import strategies as st

CUTS = st.lists(st.integers(0, 40), max_size=12)
"""Places for `pieces_of`."""


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    """`data` cut at some places (taken modulo its length)."""
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
