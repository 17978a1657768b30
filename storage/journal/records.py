"""The records in the journal's frames: messages, intents, and voids (docs/storage.md, byte by byte).

Knows nothing about how they are stored.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_MESSAGE, _SPOOLED, _VERBATIM_MESSAGE, _VERBATIM_SPOOLED, _INTENT, _VOID = b"M", b"S", b"m", b"s", b"I", b"V"

_KINDS = {
    (False, False): _MESSAGE,
    (False, True): _SPOOLED,
    (True, False): _VERBATIM_MESSAGE,
    (True, True): _VERBATIM_SPOOLED,
}
"""By whether a message is verbatim, and whether its content is in the spool."""

_FIXED = struct.Struct(">cQQII")  # kind, microseconds since the epoch, octets of content, its checksum, number of recipients
_LENGTH = struct.Struct(">I")
_FIXED_AND_LENGTH = struct.Struct(">cQQIII")  # both, since the length of the id follows
_MARK = struct.Struct(">cQQQQ")
_VOID_FIELDS = struct.Struct(">cQQ")

_LONGEST_NAME = 240
"""Octets of a mailbox's name at most: a file is named after it, with a suffix."""

_LONG = 8192
"""Octets of content from which copying it costs more than writing one more piece."""

Recipients = Mapping[str, Sequence[bytes]]
"""Mailboxes, each with the forward-paths that led to it, in the order in which they were given."""


class Record(NamedTuple):
    """An accepted message. Its content is here, or in the spool file of its id: then `content` is None.

    `came` is in microseconds since the epoch. `length` is that of the content, in octets. `check` is the CRC-32 of a spool
    file; for content in the record it is 0, or that content's. An `is_verbatim` message goes to the mailbox octet for octet.
    """

    id: str
    came: int
    reverse_path: bytes
    recipients: Recipients
    trace: bytes
    content: bytes | None
    length: int
    check: int
    is_verbatim: bool = False


class Position(NamedTuple):
    """A place in the journal: the sequence number of a segment, and an offset in it."""

    sequence: int
    offset: int


class Intent(NamedTuple):
    """Messages for `mailbox` from `since` on are about to be written to it; all earlier ones are in it, on disk.

    At that time its file had this `inode` and `size` (in octets). An `inode` of 0 says that nothing is about to be written.
    """

    mailbox: str
    since: Position
    inode: int
    size: int


class Void(NamedTuple):
    """Everything in segment `sequence` from `group` on was refused."""

    sequence: int
    group: int


class Unreadable(Exception):  # noqa: N818 (what a record turns out to be)
    """These octets are not a record of ours."""


class Misnamed(Unreadable):
    """A record names a recipient that cannot be one of our mailboxes."""


class Payload(NamedTuple):
    """An encoded record: its length in octets, and its pieces."""

    length: int
    pieces: Sequence[bytes]


def encode(record: Record | Intent | Void) -> Payload:
    """The payload of a record's frame. Long content is a piece of its own, and is not copied."""
    if isinstance(record, Intent):
        fields = _MARK.pack(_INTENT, *record.since, record.inode, record.size)
        return _whole(fields + record.mailbox.encode())
    if isinstance(record, Void):
        return _whole(_VOID_FIELDS.pack(_VOID, *record))
    id, came, reverse_path, recipients, trace, content, size, check, is_verbatim = record
    length, octets_of_id = _LENGTH.pack, id.encode()
    kind = _KINDS[is_verbatim, content is None]
    parts = [b"", octets_of_id, length(len(reverse_path)), reverse_path, length(len(trace)), trace]
    count = 0
    for mailbox, forward_paths in recipients.items():
        name = mailbox.encode()
        count += len(forward_paths)
        for forward_path in forward_paths:
            parts += (length(len(name)), name, length(len(forward_path)), forward_path)
    parts[0] = _FIXED_AND_LENGTH.pack(kind, came, size, check, count, len(octets_of_id))
    if content is None:
        return _whole(b"".join(parts))
    if len(content) < _LONG:
        parts.append(content)
        return _whole(b"".join(parts))
    head = b"".join(parts)
    return Payload(len(head) + len(content), (head, content))


def _whole(data: bytes) -> Payload:
    return Payload(len(data), (data,))


def decode(data: bytes) -> Record | Intent | Void:
    """The record in a frame's payload. Raises Unreadable; with a whole frame that can happen only if another program wrote
    it.
    """
    try:
        kind = data[:1]
        if kind == _INTENT:
            _, sequence, offset, inode, size = _MARK.unpack_from(data)
            return Intent(_name(data[_MARK.size :]), Position(sequence, offset), inode, size)
        if kind == _VOID:
            return Void(*_VOID_FIELDS.unpack(data)[1:])
        if kind in (_MESSAGE, _SPOOLED, _VERBATIM_MESSAGE, _VERBATIM_SPOOLED):
            return _decode_message(data)
    except (struct.error, UnicodeDecodeError) as error:
        raise Unreadable(f"a record of kind {data[:1]!r} is malformed") from error
    raise Unreadable(f"a record of kind {data[:1]!r} is unknown")


def is_intent(data: bytes) -> bool:
    """Whether a record, whose end may be missing, is an `Intent`."""
    return data.startswith(_INTENT)


def is_void(data: bytes) -> bool:
    """Whether a record is a `Void`. Voids and intents are the kinds that the journal itself recognises."""
    return data.startswith(_VOID)


def _decode_message(data: bytes) -> Record:
    kind, came, length, check, count = _FIXED.unpack_from(data)
    offset = _FIXED.size
    fields = []
    for _ in range(3 + 2 * count):
        (size,) = _LENGTH.unpack_from(data, offset)
        offset += _LENGTH.size + size
        fields.append(data[offset - size : offset])
    id, reverse_path, trace, *paths = fields
    led_to: dict[bytes, list[bytes]] = {}
    for mailbox, path in zip(paths[::2], paths[1::2], strict=True):
        led_to.setdefault(mailbox, []).append(path)
    recipients = {_name(mailbox): tuple(paths) for mailbox, paths in led_to.items()}
    content = None if kind in (_SPOOLED, _VERBATIM_SPOOLED) else data[offset:]
    is_verbatim = kind in (_VERBATIM_MESSAGE, _VERBATIM_SPOOLED)
    return Record(id.decode(), came, reverse_path, recipients, trace, content, length, check, is_verbatim)


def _name(mailbox: bytes) -> str:
    """A mailbox's name. Raises Misnamed for a name that would lead out of the mail directory, or into the journal."""
    if not mailbox or mailbox.startswith(b".") or b"/" in mailbox or b"\0" in mailbox or len(mailbox) > _LONGEST_NAME:
        raise Misnamed(f"a record is for {mailbox[:_LONGEST_NAME]!r}, which is no mailbox")
    return mailbox.decode()
