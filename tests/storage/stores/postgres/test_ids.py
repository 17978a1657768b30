"""Ids are in the order of time, and each is another."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from storage.stores.postgres import ids


@given(st.integers(0, 2**47))
def test_an_id_is_a_uuid_of_version_7_of_its_moment(milliseconds: int) -> None:
    id = ids.new(milliseconds / 1000)
    found = UUID(bytes=id)
    assert (found.version, found.variant) == (7, "specified in RFC 4122") and str(found) == ids.text(id)
    assert abs((found.int >> 80) - milliseconds) <= 1
    assert ids.first(milliseconds / 1000) <= ids.text(id)


def test_ids_of_one_moment_differ() -> None:
    assert len({ids.new(1.0) for _ in range(1000)}) == 1000
