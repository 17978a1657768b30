"""A dialect: a table, what turns a line into an event and its argument, and what carries the commands out.

It does not know any of these.
"""

from collections.abc import Callable
from typing import Any

from .line_cache import LineCache
from .table import Event, Table


class Dialect:
    """`parse` turns a command line into an event and its argument (or the Reply that refuses the syntax), always the same.

    `actions` makes what carries out the commands of one session (`actions.Actions`).
    """

    def __init__(
        self,
        table: Table,
        parse: Callable[[bytes], tuple[Event, object]],
        actions: Callable[..., Any],
    ) -> None:
        self.table = table
        self.line_cache = LineCache(parse)
        self.actions = actions
