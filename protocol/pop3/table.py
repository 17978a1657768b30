"""POP3 (RFC 1939, with CAPA, STLS and AUTH), as one table.

The RFC's AUTHORIZATION is START, or FRESH under TLS, and NAMED; its UPDATE is UPDATING. Knows nothing about syntax (see
`grammar`) or about what an event does (see `actions`).
"""

from collections.abc import Mapping

from ..engine.dialect import Dialect
from ..engine.ends import End, Ending, Wait
from ..engine.events import Event
from ..engine.table import Mark, State, Table, Written
from . import replies
from .actions import PopActions
from .grammar import parse_pop
from .replies import KNOWN_ALREADY, LOG_IN_FIRST, PASS_DUE, TLS_ALREADY, UNRECOGNIZED, USER_FIRST


class Pop3(State):
    """What the session knows so far."""

    START = "nobody known"
    OPENING = "TLS comes first: a handshake is due, nobody was greeted"
    SHAKING = "a TLS handshake is due"
    FRESH = "encrypted, nobody known"
    NAMED = "a name is known"
    ASKING = "a challenge was sent"
    CHECKING = "a password came, it is being checked"
    LOCKING = "client authenticated, its mailbox is being locked and read"
    TRANSACTION = "the mailbox is locked for this client"
    FETCHING = "a message is being looked for"
    SENDING = "a message or a list is being sent"
    UPDATING = "deleted messages are being removed"
    CLOSED = "connection closing"


START, OPENING, SHAKING, FRESH, NAMED, ASKING, CHECKING, LOCKING = tuple(Pop3)[:8]
TRANSACTION, FETCHING, SENDING, UPDATING, CLOSED = tuple(Pop3)[8:]
TEXT, HELD, GONE, NEVER, RESPONSE, BACK, STAY = Mark
V = Event

LF, UF, PD, TLS, KNO, NO = LOG_IN_FIRST, USER_FIRST, PASS_DUE, TLS_ALREADY, KNOWN_ALREADY, UNRECOGNIZED

LISTS, FETCHES = (V.LIST, V.UIDL), (V.RETR, V.TOP)
KNOWS = (V.STAT, V.SCAN, V.UNIQUE, V.DELE, V.NOOP, V.RSET)
ANSWERS = (V.CHECKED, V.SECURED, V.FOUND, V.FETCHED, V.SENT, V.REMOVED)
EVENTS = (
    V.CAPA, V.STLS, V.USER, V.PASS, V.AUTH, V.PROOF, *KNOWS, *LISTS, *FETCHES, V.QUIT, V.OTHER, *ANSWERS,
)  # fmt: skip


def says(
    capa: Written, stls: Written, user: Written, word: Written, auth: Written, proof: Written,
    knows: Written, lists: Written, fetches: Written, quit: Written,
) -> list[Written]:  # fmt: skip
    """A row in which commands are read."""
    alike = dict.fromkeys(KNOWS, knows) | dict.fromkeys(LISTS, lists) | dict.fromkeys(FETCHES, fetches)
    own = {V.CAPA: capa, V.STLS: stls, V.USER: user, V.PASS: word, V.AUTH: auth, V.PROOF: proof, V.QUIT: quit}
    return [(alike | own | {V.OTHER: NO} | dict.fromkeys(ANSWERS, NEVER))[event] for event in EVENTS]


def reads(mark: Mark, **ends: Written) -> list[Written]:
    """A row in which no commands are read. The arguments are the cells that lead on; no other event can happen."""
    return [ends.get(event.name, NEVER if event in ANSWERS else mark) for event in EVENTS]


# fmt: off
# A cell is the state that follows; X|Y: X if the action accepts, Y if it refuses; a short name in
# capitals that is not a state (LF, UF, ...): the reply that refuses, and the state stays. BACK: to
# the one of HOMES that the session was in last. KNOWS, LISTS, FETCHES: see above.
HOMES, ENCRYPTED = (START, FRESH), (FRESH,)

ROWS: dict[State, list[Written]] = {
    #                 CAPA   STLS     USER   PASS           AUTH         PROOF     KNOWS
    #                                                       LISTS        FETCHES   QUIT
    START:       says(START, SHAKING, NAMED, UF,            ASKING,      CHECKING, LF,
                                                            LF,          LF,       CLOSED),
    FRESH:       says(FRESH, TLS,     NAMED, UF,            ASKING,      CHECKING, LF,
                                                            LF,          LF,       CLOSED),
    NAMED:       says(NAMED, PD,      NAMED, CHECKING|BACK, ASKING|BACK, CHECKING|BACK, LF,
                                                            LF,          LF,       CLOSED),
    TRANSACTION: says(TRANSACTION, KNO, KNO, KNO,           KNO,         KNO,      TRANSACTION,
                                                            SENDING,     FETCHING, UPDATING),
    ASKING:      reads(RESPONSE, AUTH=ASKING|BACK, PROOF=CHECKING),
    SHAKING:     reads(HELD, SECURED=FRESH),
    OPENING:     reads(HELD, SECURED=FRESH),
    CHECKING:    reads(HELD, CHECKED=LOCKING|BACK),
    LOCKING:     reads(HELD, FOUND=TRANSACTION|BACK),
    FETCHING:    reads(HELD, FETCHED=SENDING|TRANSACTION),
    SENDING:     reads(HELD, SENT=TRANSACTION|CLOSED),
    UPDATING:    reads(HELD, REMOVED=(CLOSED, CLOSED)),
    CLOSED:      reads(GONE),
}

ENDS: Mapping[Ending, End] = {
    Ending.GONE:       End(None),
    Ending.ENDED:      End(None,                      (Wait.COMMANDS, Wait.ANSWER)),
    Ending.SILENT:     End(None),
    Ending.UNANSWERED: End(replies.NO_ANSWER),
    Ending.REFUSED:    End(replies.TOO_MANY_REFUSALS),
    Ending.FOREIGN:    End(replies.NOT_POP),
    Ending.DRAINED:    End(replies.SHUTTING_DOWN,     (Wait.ANSWER,)),
    Ending.STOPPED:    End(replies.SHUTTING_DOWN),
    Ending.BROKEN:     End(replies.OUR_BUG),
}
# fmt: on
"""Nothing is said to a client that is silent, nor is anything removed for it (RFC 1939 section 3)."""

PATIENCE = {
    None: 600.0, RESPONSE: 600.0, HELD: 600.0, V.SECURED: 60.0, V.CHECKED: 60.0, V.FOUND: 120.0,
}  # fmt: skip
"""Seconds: 10 minutes for what the client sends (RFC 1939 section 3: at least that), and for a message that it reads; a
minute for the handshake and for a password check, two until a mailbox is locked and read."""

TABLE = Table("pop3", EVENTS, ROWS, HOMES, PATIENCE, ENDS, opening=OPENING, encrypted=ENCRYPTED)
POP3 = Dialect(TABLE, parse_pop, PopActions)
