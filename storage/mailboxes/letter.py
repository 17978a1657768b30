"""A letter: a message for one mailbox, on its way from the journal into the mailbox.

Knows nothing about what the mailbox looks like.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple


class Letter(NamedTuple):
    """`content` returns the content from its beginning at each call, in pieces of at least 1,000 octets except the last. It
    raises OSError or StorageError if the content cannot be read. `came` is in seconds since the epoch. `forward_paths` are
    those that led to this mailbox, in order.
    """

    id: str
    came: float
    reverse_path: bytes
    forward_paths: Sequence[bytes]
    trace: bytes
    content: Callable[[], Iterator[bytes]]
    is_large: bool = False
    """Whether its content is to be handled in pieces, for lack of memory. That of a message in the spool is."""
    is_verbatim: bool = False
    """Whether its content stays as it is, octet for octet. If not, its lines get LF ends."""
