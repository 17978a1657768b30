"""Binary arrays, read back as PostgreSQL reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'")

from storage.stores.postgres.wire import Kind, array, number

from ....kit.cluster import elements


@given(st.lists(st.binary(max_size=300)), st.sampled_from(Kind))
def test_what_goes_in_comes_out(values: list[bytes], kind: Kind) -> None:
    assert elements(array(kind, values)) == values


def test_an_array_is_what_array_send_makes() -> None:
    """Of `SELECT array_send('{7,null}'::int[])`, `array_send('{}'::text[])`."""
    text = "00000001 00000001 00000017 00000002 00000001 00000004 00000007 ffffffff"
    assert array(Kind.INTEGER, [number(7), None]) == bytes.fromhex(text)
    assert array(Kind.TEXT, []) == bytes.fromhex("00000000 00000000 00000019")
