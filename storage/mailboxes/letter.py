"""A letter: a message for one mailbox, as it is taken out of the journal and put into the mailbox.

It does not know what the mailbox looks like.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple


class Letter(NamedTuple):
    """`content` gives the content from its beginning, each time that it is called, in pieces of at least 1,000 octets but
    for the last one. It raises OSError or StorageError when the content cannot be had. `came` is in seconds since the epoch;
    `forward_paths` are those that led to this mailbox, in order.
    """

    id: str
    came: float
    reverse_path: bytes
    forward_paths: Sequence[bytes]
    trace: bytes
    content: Callable[[], Iterator[bytes]]
    is_large: bool = False
    """Its content is in the spool."""
    is_verbatim: bool = False
    """Its content stays as it is, octet for octet; else its lines get LF ends."""
