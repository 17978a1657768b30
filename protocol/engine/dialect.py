"""A dialect: a table, a parser for command lines, and the actions that carry out the commands."""

from collections.abc import Callable
from typing import Any

from .events import Event
from .line_cache import LineCache
from .table import Table


class Dialect:
    """One way to speak a protocol.

    `parse` turns a command line into an event and its argument, or the Reply that refuses the syntax. It must depend on
    the line alone, since results are cached. `actions` creates the `actions.Actions` of one session.
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
