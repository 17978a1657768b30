"""Answers that come later: what fails in them is told to the client, as it is in an action."""

from collections.abc import Callable
from typing import ParamSpec

from ..answering import carefully
from ..response import Reply

Values = ParamSpec("Values")


def sure(reply: Reply, call: Callable[Values, None]) -> Callable[Values, None]:
    """The call, made carefully. An inbox may answer None and mistakes: for people, these are pages."""

    def guarded(*values: Values.args, **named: Values.kwargs) -> None:
        carefully(reply, lambda: call(*values, **named))

    return guarded
