"""JSON Schemas of Python types."""

from typing import TypedDict

import pytest

from web.api.schemas import Schemas


class Leaf(TypedDict, total=False):
    """A leaf.

    It has more to say.
    """

    name: str | None
    more: "list[Leaf]"


class Tree(TypedDict):
    """A tree."""

    leaves: dict[str, Leaf]
    size: int


def test_a_typed_dictionary_is_a_component() -> None:
    schemas = Schemas()
    assert schemas.of(list[Tree]) == {"type": "array", "items": {"$ref": "#/components/schemas/ApiTree"}}
    assert schemas.components["ApiTree"] == {
        "type": "object",
        "description": "A tree.",
        "properties": {
            "leaves": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/ApiLeaf"}},
            "size": {"type": "integer"},
        },
        "required": ["leaves", "size"],
    }
    leaf = schemas.components["ApiLeaf"]
    assert leaf["description"] == "A leaf." and "required" not in leaf
    assert leaf["properties"]["name"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert leaf["properties"]["more"]["items"] == {"$ref": "#/components/schemas/ApiLeaf"}


def test_other_types_are_not_known() -> None:
    with pytest.raises(TypeError):
        Schemas().of(set[str])
