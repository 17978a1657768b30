"""JSON Schemas (2020-12) of Python types: TypedDicts, lists, dictionaries, unions and the simple ones.

A TypedDict becomes a component with its name; its docstring is the description.
"""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}

Schema = dict[str, Any]


class Schemas:
    """The schemas of a description, collected while it is written."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, shape: object) -> Schema:
        """The schema of a type. Raises TypeError for one that it does not know."""
        if shape is object:
            return {}
        if shape in _SIMPLE:
            return {"type": _SIMPLE[shape]}
        origin, inner = get_origin(shape), get_args(shape)
        if origin is list:
            return {"type": "array", "items": self.of(inner[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        if origin in (Union, UnionType):
            return {"anyOf": [self.of(each) for each in inner]}
        if isinstance(shape, type) and issubclass(shape, dict):
            return self._reference(shape)
        raise TypeError(f"no schema is known for {shape}")

    def _reference(self, shape: type) -> Schema:
        """A reference to the component of a TypedDict."""
        name = f"{shape.__module__.rpartition('.')[0].rpartition('.')[2].capitalize()}{shape.__name__}"
        if name not in self.components:
            self.components[name] = {}  # it may have itself in it
            self.components[name] = self._component(shape)
        return {"$ref": f"#/components/schemas/{name}"}

    def _component(self, shape: type) -> Schema:
        hints: Mapping[str, object] = get_type_hints(shape)
        needed = sorted(getattr(shape, "__required_keys__", ()))
        schema: Schema = {
            "type": "object",
            "description": (shape.__doc__ or "").partition("\n\n")[0].strip(),
            "properties": {name: self.of(hint) for name, hint in hints.items()},
        }
        return {**schema, "required": needed} if needed else schema
