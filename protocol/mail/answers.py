"""What storage answers for each recipient of a message, folded into the one reply that SMTP has for all of them.

It does not know replies.
"""

from collections.abc import Callable

from ..engine.environment import Fault

Told = Callable[[int, Fault | None], None]
"""Takes the number of a recipient, and None or why the message is not safe there."""

_SEVERITY = {"for now": 1, "no room": 2, "for good": 3}


def folded(told: Told, recipients: int) -> Told:
    """Takes the answers for so many recipients, and passes on one: the worst, when the last has come.

    SMTP has one reply at the end of mail data (RFC 5321 section 4.2.5), and a message that is missing in one mailbox is not
    accepted.
    """
    if recipients == 1:
        return told
    left = recipients
    worst: tuple[int, Fault | None] = 0, None

    def take(recipient: int, fault: Fault | None) -> None:
        nonlocal left, worst
        if fault and _SEVERITY[fault.kind] > worst[0]:
            worst = _SEVERITY[fault.kind], fault
        left -= 1
        if not left:
            told(recipient, worst[1])

    return take
