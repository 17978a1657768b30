"""The table of what is lawful is total, and its flaws are found."""

import pytest

from conformance.cells import NO, UNOFFERED
from conformance.lawful import HOMES, LAWFUL, cell, checked
from conformance.places import EXTENSIONS, ROWS, Command, Place
from conformance.ways import Grade, right, way


def test_the_table_is_total() -> None:
    assert set(LAWFUL) == set(ROWS) == set(HOMES)
    assert all(set(row) == set(Command) for row in LAWFUL.values())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "START has no cell for EHLO"),
        ({**LAWFUL[Place.START], Command.EHLO: NO._replace(rule="x")}, "x is no rule"),
        ({**LAWFUL[Place.START], Command.EHLO: NO._replace(ways=(way("5", (), "why"),))}, "the first way is right"),
        ({**LAWFUL[Place.START], Command.EHLO: NO._replace(ways=(right("5", ()), way("4", (), "")))}, "a way says why"),
    ],
)
def test_a_flaw_is_said(changed: dict[Command, object], words: str) -> None:
    with pytest.raises(ValueError, match="lawful: ") as error:
        checked({**LAWFUL, Place.START: changed})  # type: ignore[dict-item]
    assert words in str(error.value)


def test_an_extension_counts_when_it_was_offered() -> None:
    for command, extension in EXTENSIONS.items():
        assert cell(Place.EHLO, command, frozenset({extension})) is LAWFUL[Place.EHLO][command]
        assert cell(Place.EHLO, command, frozenset()) is UNOFFERED[extension]
        assert cell(Place.CONTENT, command, frozenset()) is LAWFUL[Place.CONTENT][command], "it is content all the same"
    assert cell(Place.TLS, Command.STARTTLS, frozenset()) is LAWFUL[Place.TLS][Command.STARTTLS]


def test_codes_of_a_way() -> None:
    assert right("250 5", ()).allows("250") and right("250 5", ()).allows("554")
    assert not right("250 5", ()).allows("251") and not right("5", ()).allows("")
    assert right("none", ()).allows("") and not right("none", ()).allows("500")


def test_grades_are_in_order() -> None:
    assert [grade.rank for grade in Grade] == [0, 1, 2, 3, 4]
