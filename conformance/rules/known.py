"""All rules by their ids.

Knows nothing about how they are tested.
"""

from .beyond import BEYOND
from .order import ORDER
from .rule import Rule, by_id

RULES: dict[str, Rule] = by_id((*ORDER, *BEYOND))


def selected(prefixes: tuple[str, ...]) -> set[str]:
    """The ids that begin with any of the prefixes; all ids if there are no prefixes."""
    return {id for id in RULES if not prefixes or id.startswith(prefixes)}
