"""The dialect of RFC 5321 with its extensions, as one table.

Knows nothing about syntax (see `grammar`) or about what an event does (see `actions`).
"""

from ..engine.dialect import Dialect
from ..engine.events import Event
from ..engine.replies import (
    AUTH_ALREADY,
    CONTENT_BEGUN,
    HELLO_FIRST,
    MAIL_FIRST,
    NESTED_MAIL,
    RCPT_FIRST,
    TLS_ALREADY,
    UNRECOGNIZED,
)
from ..engine.table import Mark, State, Table, Written
from .actions import EsmtpActions
from .grammar import parse_esmtp, parse_strictly


class Esmtp(State):
    """What the session knows so far."""

    START = "nobody known"
    OPENING = "TLS comes first: a handshake is due, nobody was greeted"
    CLIENT = "client known"
    REVERSE = "reverse-path known"
    FORWARD = "reverse-path and forward-paths known"
    CONTENT = "mail data is coming, or the last chunk"
    CHUNK = "a chunk is coming"
    CHUNKED = "chunks came, the last is not among them"
    SKIPPING = "the octets of a refused chunk are coming"
    STORING = "mail data ended, storage has not answered"
    ASKING = "a challenge was sent"
    CHECKING = "credentials came, they are being checked"
    KNOWN = "client known and authenticated"
    SHAKING = "a TLS handshake is due"
    FRESH = "encrypted, nobody known"
    SECURE = "encrypted, client known"
    PROMPTED = "encrypted, a challenge was sent"
    PROVING = "encrypted, credentials came, they are being checked"
    PROVED = "encrypted, client known and authenticated"
    CLOSED = "connection closing"


START, OPENING, CLIENT, REVERSE, FORWARD, CONTENT, CHUNK, CHUNKED, SKIPPING = tuple(Esmtp)[:9]
STORING, ASKING, CHECKING, KNOWN, SHAKING, FRESH, SECURE, PROMPTED, PROVING, PROVED, CLOSED = tuple(Esmtp)[9:]
TEXT, HELD, GONE, NEVER, RESPONSE, BACK, STAY = Mark
V = Event

HI, MF, RF, NM, CB = HELLO_FIRST, MAIL_FIRST, RCPT_FIRST, NESTED_MAIL, CONTENT_BEGUN
TLS, AUT, NO = TLS_ALREADY, AUTH_ALREADY, UNRECOGNIZED

HELLO, ASK = (V.EHLO, V.HELO), (V.NOOP, V.HELP, V.VRFY, V.EXPN)
ANSWERS = (V.STORED, V.CHECKED, V.SECURED)
EVENTS = (
    *HELLO, V.MAIL, V.RCPT, V.DATA, V.BDAT, V.LAST, V.RSET, *ASK, V.STARTTLS, V.AUTH, V.PROOF, V.QUIT, V.OTHER, V.END,
    *ANSWERS,
)  # fmt: skip

Cells = dict[Event, Written]


def says(
    hello: Written, ask: Written, starttls: Written, auth: Written, proof: Written, quit: Written, other: Written
) -> Cells:
    """Part of a row in which commands are read: the session's commands."""
    alike = dict.fromkeys(HELLO, hello) | dict.fromkeys(ASK, ask)
    return alike | {V.STARTTLS: starttls, V.AUTH: auth, V.PROOF: proof, V.QUIT: quit, V.OTHER: other}


def sends(mail: Written, rcpt: Written, data: Written, bdat: Written, last: Written, rset: Written) -> Cells:
    """Part of a row in which commands are read: the transaction's commands."""
    return {V.MAIL: mail, V.RCPT: rcpt, V.DATA: data, V.BDAT: bdat, V.LAST: last, V.RSET: rset}


def reads(mark: Mark, **ends: Written) -> list[Written]:
    """A row in which no commands are read. The arguments are the cells that lead on; no other event can happen."""
    return [ends.get(event.name, NEVER if event in ANSWERS else mark) for event in EVENTS]


# fmt: off
# A cell is the state that follows; X|Y: X if the action accepts, Y if it refuses; a short name in
# capitals that is not a state (HI, MF, ...): the reply that refuses, and the state stays. BACK: to
# the one of HOMES that the session was in last. It also tells whether the connection is encrypted,
# and the client authenticated.
HOMES = (START, CLIENT, KNOWN, FRESH, SECURE, PROVED)
ENCRYPTED, AUTHENTICATED = (FRESH, SECURE, PROVED), (KNOWN, PROVED)

#                  HELLO   ASK      STARTTLS AUTH      PROOF     QUIT    OTHER
SESSION = {
    START:    says(CLIENT, START,   HI,      HI,       HI,       CLOSED, NO),
    CLIENT:   says(CLIENT, CLIENT,  SHAKING, ASKING,   CHECKING, CLOSED, NO),
    KNOWN:    says(KNOWN,  KNOWN,   AUT,     AUT,      AUT,      CLOSED, NO),
    FRESH:    says(SECURE, FRESH,   TLS,     HI,       HI,       CLOSED, NO),
    SECURE:   says(SECURE, SECURE,  TLS,     PROMPTED, PROVING,  CLOSED, NO),
    PROVED:   says(PROVED, PROVED,  AUT,     AUT,      AUT,      CLOSED, NO),
    REVERSE:  says(BACK,   REVERSE, NM,      NM,       NM,       CLOSED, NO),
    FORWARD:  says(BACK,   FORWARD, NM,      NM,       NM,       CLOSED, NO),
    CHUNKED:  says(BACK,   CHUNKED, CB,      CB,       CB,       CLOSED, NO),
}
#                   MAIL     RCPT     DATA     BDAT   LAST     RSET
TRANSACTION = {
    START:    sends(HI,      HI,      HI,      HI,    HI,      START),
    CLIENT:   sends(REVERSE, MF,      MF,      MF,    MF,      CLIENT),
    KNOWN:    sends(REVERSE, MF,      MF,      MF,    MF,      KNOWN),
    FRESH:    sends(HI,      HI,      HI,      HI,    HI,      FRESH),
    SECURE:   sends(REVERSE, MF,      MF,      MF,    MF,      SECURE),
    PROVED:   sends(REVERSE, MF,      MF,      MF,    MF,      PROVED),
    REVERSE:  sends(NM,      FORWARD, RF,      RF,    RF,      BACK),
    FORWARD:  sends(NM,      FORWARD, CONTENT, CHUNK, CONTENT, BACK),
    CHUNKED:  sends(CB,      CB,      CB,      CHUNK, CONTENT, BACK),
}
ELSE: Cells = {V.END: NO, V.STORED: NEVER, V.CHECKED: NEVER, V.SECURED: NEVER}

ROWS: dict[State, list[Written]] = {
    **{
        state: [(SESSION[state] | TRANSACTION[state] | ELSE)[event] for event in EVENTS]
        for state in SESSION
    },
    CONTENT:  reads(TEXT,   END=STORING|BACK),
    CHUNK:    reads(TEXT,   END=CHUNKED|BACK),
    SKIPPING: reads(TEXT,   END=STAY),
    STORING:  reads(HELD,   STORED=(BACK, BACK)),
    ASKING:   reads(RESPONSE, AUTH=ASKING|CLIENT, PROOF=CHECKING),
    CHECKING: reads(HELD,   CHECKED=KNOWN|CLIENT),
    PROMPTED: reads(RESPONSE, AUTH=PROMPTED|SECURE, PROOF=PROVING),
    PROVING:  reads(HELD,   CHECKED=PROVED|SECURE),
    SHAKING:  reads(HELD,   SECURED=FRESH),
    OPENING:  reads(HELD,   SECURED=FRESH),
    CLOSED:   reads(GONE),
}
# fmt: on

PATIENCE = {None: 300.0, TEXT: 300.0, RESPONSE: 300.0, HELD: 600.0, V.SECURED: 60.0}
"""Seconds: 5 minutes for everything that the client sends (RFC 5321 section 4.5.3.2.7; its other limits are for clients), 10
minutes for the server's own work, and one minute for the handshake."""

TABLE = Table(
    "esmtp", EVENTS, ROWS, HOMES, PATIENCE,
    opening=OPENING, skipping=SKIPPING, encrypted=ENCRYPTED, authenticated=AUTHENTICATED,
)  # fmt: skip
ESMTP = Dialect(TABLE, parse_esmtp, EsmtpActions)
STRICT_ESMTP = Dialect(TABLE, parse_strictly, EsmtpActions)
"""The dialect for --strict-syntax: refuses everything that the grammar forbids, however common it is."""
