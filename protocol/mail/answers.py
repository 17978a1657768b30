"""Combines the answers of storage, one for each recipient, into the single result that SMTP can report.

Knows nothing about replies.
"""

from collections.abc import Callable

from ..engine.environment import Fault

Told = Callable[[int, Fault | None], None]
"""Takes the index of a recipient, and None if the message is safely stored for it, else the fault."""

_SEVERITY = {"for now": 1, "no room": 2, "for good": 3}


def folded(told: Told, recipients: int) -> Told:
    """A callback that collects the answers for this many recipients; after the last one it passes the worst to `told`.

    SMTP has one reply to the end of mail data (RFC 5321 section 4.2.5), so a message that one mailbox lacks is not accepted.
    """
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
