"""What storage answers for each recipient of a message, folded into the one reply that SMTP has for all of them.

It does not know replies.
"""

from collections.abc import Callable

from ..engine.environment import Fault

_SEVERITY = {"for now": 1, "no room": 2, "for good": 3}


class Answers:
    """Waits for the answers for all recipients, and then tells the worst: SMTP has one reply at the end of mail data
    (RFC 5321 section 4.2.5), and a message that is missing in one mailbox is not accepted.
    """

    __slots__ = ("_left", "_told", "_worst")

    def __init__(self, recipients: int, told: Callable[[Fault | None], None]) -> None:
        self._left = recipients
        self._told = told
        self._worst: Fault | None = None

    def take(self, recipient: int, fault: Fault | None) -> None:
        """One more answer: None, or why the message is not safe there."""
        if fault and (self._worst is None or _SEVERITY[fault.kind] > _SEVERITY[self._worst.kind]):
            self._worst = fault
        self._left -= 1
        if not self._left:
            self._told(self._worst)
