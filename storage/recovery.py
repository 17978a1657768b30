"""What an earlier run left in the journal: which messages wait for which mailbox, and which mailboxes are in doubt.

It moves nothing.
"""

import logging

from .journal import Journal
from .letters import Letters
from .mover import Mover
from .places import Place
from .records import Intent, Misnamed, Record, decode

log = logging.getLogger("carteiro.storage")


def recover(journal: Journal, letters: Letters, mover: Mover) -> None:
    """Lets everything wait again that may not be in its mailbox. Raises OSError, and Unreadable for another format."""
    intents: dict[str, Intent] = {}
    places: dict[tuple[str, str], Place] = {}
    for place, data in journal.read_back():
        try:
            record = decode(data)
        except Misnamed as error:
            journal.keep_misnamed(place, error)
            continue
        if isinstance(record, Intent):
            intents[record.mailbox] = record
        elif isinstance(record, Record):
            letters.put(place, record)
            for mailbox in record.recipients:
                places.pop((record.id, mailbox), None)  # the last place of a message is the one that counts
                places[record.id, mailbox] = place
    for (_, mailbox), place in places.items():
        intent = intents.get(mailbox)
        if intent is None or place.since >= intent.since:
            mover.put(place, mailbox)
    sequences = {segment.sequence for segment in journal.segments}
    for queue in mover.queues.values():
        queue.recover(intents.get(queue.mailbox), sequences, journal.is_damaged)
    mover.recovered()
    waiting = sum(len(queue.waiting) for queue in mover.queues.values())
    if waiting:
        words = "recovering %d messages that the last run left, for %d mailboxes: one that was removed since comes again"
        log.warning(words, waiting, len(mover.queues))
