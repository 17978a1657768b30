"""What an earlier run left in the journal: which messages wait for which mailboxes, and which mailboxes are in doubt.

Moves nothing.

The theory. A record stays in its segment after its message was moved, until the segment is freed. So the journal alone must
show what is still to be done, for each message and mailbox:

- `Journal.read_back` yields the records that count, in order; torn, damaged and refused ones are left out.
- A message may have several records for a mailbox, since waiting ones may be copied to the end. The last one counts, and
  gives the message its place in the order.
- The last intent of a mailbox says that everything before its `since` is in it, on disk. That is done. Everything from
  there on waits, written or not. Without an intent, everything waits.
- If that intent has an inode, and the segment of its `since` is still in use, the mailbox may have been written to behind
  the size in the intent. `Queue.recover` makes that the queue's `start`, and `in_doubt` looks there before anything moves.
- An intent for a segment that was freed is out of date. A segment is freed only when its messages are in their mailboxes;
  and before, each of these mailboxes that has messages in another segment, too, gets a newer intent.
- If part of the journal is damaged, an intent may be missing. Then each mailbox without a valid one is searched.

Only mailboxes whose messages wait need spool files. The store removes the other files afterwards, or keeps
them aside if the journal is damaged.
"""

import logging
from typing import NamedTuple

from ..journal.journal import Journal
from ..journal.records import Intent, Misnamed, Record, decode
from ..journal.segments import Place
from .backlog import Backlog
from .mover import Mover

log = logging.getLogger("carteiro.storage")


class Left(NamedTuple):
    """What an earlier run left: the last intent of each mailbox; the place of each message, by id and mailbox, in the order
    in which they wait; and the octets of each spooled message's file, by id.
    """

    intents: dict[str, Intent]
    places: dict[tuple[str, str], Place]
    spooled: dict[str, int]


def recover(journal: Journal, backlog: Backlog, mover: Mover) -> None:
    """Queues every message that may not be in its mailbox, and makes the mailboxes doubtful. Raises OSError, and Unreadable
    for a record that is malformed or of an unknown kind.
    """
    left = _read(journal)
    for (id, mailbox), place in left.places.items():
        intent = left.intents.get(mailbox)
        if intent is None or place.since >= intent.since:
            mover.put(place, mailbox)
            if id in left.spooled:
                backlog.need(place.segment, id, left.spooled[id], 1)
    sequences = {segment.sequence for segment in journal.segments}
    for queue in mover.queues.values():
        queue.recover(left.intents.get(queue.mailbox), sequences, journal.is_damaged)
    mover.recovered()
    waiting = sum(len(queue.waiting) for queue in mover.queues.values())
    if waiting:
        words = "recovering what the last run left (messages: %d, mailboxes: %d): one that was removed since comes again"
        log.warning(words, waiting, len(mover.queues))


def _read(journal: Journal) -> Left:
    left = Left({}, {}, {})
    for place, data in journal.read_back():
        try:
            record = decode(data)
        except Misnamed as error:
            journal.keep_misnamed(place, error)
            continue
        if isinstance(record, Intent):
            left.intents[record.mailbox] = record
        elif isinstance(record, Record):
            if record.content is None:
                left.spooled[record.id] = record.length
            place.segment.name_mailboxes(record.recipients)
            for mailbox in record.recipients:
                left.places.pop((record.id, mailbox), None)  # the last record of a message counts, and gives its order
                left.places[record.id, mailbox] = place
    return left
