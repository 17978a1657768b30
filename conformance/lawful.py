"""What the RFCs allow, as one table: a row for each place, a column for each command. A cell is a set of alternatives.

Knows nothing about how a server is asked, or about what lies beyond the order of commands.

It has the shape of a dialect's table, but where a dialect decides, the RFCs often leave open. So a cell is a `Cell`: a rule,
and the ways to keep it, the best first. What is in no way breaks a MUST. The table is total, and checked:
no default, no `.get()`.
"""

from collections.abc import Mapping

from .cells import (
    ACTIVE,
    AGAIN,
    AGAIN_AUTH,
    AGAIN_CHUNK,
    ARG,
    ARG_OR,
    ARG_R,
    ARG_R_OR,
    AUTH,
    AUTH_2,
    AUTH_CHUNK,
    AUTH_IN,
    AUTH_OR,
    BDAT,
    BDAT_1,
    BDAT_9,
    CASE,
    CASE_1,
    CHUNK_A,
    CHUNK_D,
    CHUNK_DX,
    CHUNK_EMPTY,
    CHUNK_M,
    CHUNK_NO,
    CHUNK_R,
    CHUNK_RC,
    CLEAR,
    CRYPT,
    DATA,
    DATA_1,
    DATA_X,
    DATA_X1,
    DOT,
    EMPTY,
    END,
    EXPN,
    EXPN_1,
    EXPN_CHUNK,
    HELP,
    HELP_1,
    HELP_CHUNK,
    HI,
    HI_ARG,
    HI_ARG_CHUNK,
    LAST,
    MAIL,
    MAIL_1,
    MECH,
    MECH_CHUNK,
    MECH_OR,
    NESTED,
    NO,
    NOBODY,
    NOOP,
    NOOP_1,
    OCTET,
    PAR,
    PAR_OR,
    QUIT,
    QUIT_X,
    QUIT_XCHUNK,
    RCPT,
    RCPT_1,
    RSET,
    RSET_1,
    RSET_X,
    RSET_X1,
    RSET_XCHUNK,
    TEXT,
    TLS,
    TLS_CHUNK,
    TLS_OR,
    TRUSTED,
    UNOFFERED,
    VRFY,
    VRFY_1,
    VRFY_CHUNK,
)
from .places import EXTENSIONS, ROWS, Command, Place
from .rules.known import RULES
from .ways import Cell, Grade, Places

P = Place
C = Command
Cells = dict[Command, Cell]


def says(hello: Cell, bare: Cell, noop: Cell, small: Cell, help: Cell, vrfy: Cell, expn: Cell) -> Cells:
    """Part of a row: the session's commands."""
    hellos = {C.EHLO: hello, C.HELO: hello, C.EHLO_BARE: bare}
    return hellos | {C.NOOP: noop, C.NOOP_SMALL: small, C.HELP: help, C.VRFY: vrfy, C.EXPN: expn}


def ends(rset: Cell, rset_x: Cell, quit: Cell, quit_x: Cell, unknown: Cell, empty: Cell, dot: Cell) -> Cells:
    """Part of a row: what ends something, and what is no command."""
    words = {C.UNKNOWN: unknown, C.EMPTY: empty, C.DOT: dot}
    return {C.RSET: rset, C.RSET_X: rset_x, C.QUIT: quit, C.QUIT_X: quit_x} | words


def sends(mail: Cell, mail_x: Cell, bad: Cell, rcpt: Cell, nobody: Cell, rcpt_bad: Cell, data: Cell, data_x: Cell) -> Cells:
    """Part of a row: the transaction's commands."""
    paths = {C.MAIL: mail, C.MAIL_X: mail_x, C.MAIL_BAD: bad, C.RCPT: rcpt, C.RCPT_NOBODY: nobody, C.RCPT_BAD: rcpt_bad}
    return paths | {C.DATA: data, C.DATA_X: data_x}


def extends(bdat: Cell, last: Cell, starttls: Cell, auth: Cell, unknown: Cell) -> Cells:
    """Part of a row: the commands of extensions, where these were offered."""
    return {C.BDAT: bdat, C.LAST: last, C.STARTTLS: starttls, C.AUTH: auth, C.AUTH_ASK: auth, C.AUTH_UNKNOWN: unknown}


# fmt: off
#                 EHLO HELO    EHLO-   NOOP    noop    HELP    VRFY    EXPN
SAYS = {
    P.START:    says(HI,         HI_ARG, NOOP_1, CASE_1, HELP_1, VRFY_1, EXPN_1),
    P.HELO:     says(AGAIN,      HI_ARG, NOOP,   CASE,   HELP,   VRFY,   EXPN),
    P.EHLO:     says(AGAIN,      HI_ARG, NOOP,   CASE,   HELP,   VRFY,   EXPN),
    P.MAIL:     says(AGAIN,      HI_ARG, NOOP,   CASE,   HELP,   VRFY,   EXPN),
    P.RCPT:     says(AGAIN,      HI_ARG, NOOP,   CASE,   HELP,   VRFY,   EXPN),
    P.CONTENT:  says(TEXT,       TEXT,   TEXT,   TEXT,   TEXT,   TEXT,   TEXT),
    P.CHUNK:    says(OCTET,      OCTET,  OCTET,  OCTET,  OCTET,  OCTET,  OCTET),
    P.CHUNKED:  says(AGAIN_CHUNK, HI_ARG_CHUNK, NOOP, CASE, HELP_CHUNK, VRFY_CHUNK, EXPN_CHUNK),
    P.DONE:     says(AGAIN,      HI_ARG, NOOP,   CASE,   HELP,   VRFY,   EXPN),
    P.TLS:      says(HI,         HI_ARG, NOOP_1, CASE_1, HELP_1, VRFY_1, EXPN_1),
    P.TLS_EHLO: says(AGAIN,      HI_ARG, NOOP,   CASE,   HELP,   VRFY,   EXPN),
    P.TLS_RCPT: says(AGAIN,      HI_ARG, NOOP,   CASE,   HELP,   VRFY,   EXPN),
    P.AUTHED:   says(AGAIN_AUTH, HI_ARG, NOOP,   CASE,   HELP,   VRFY,   EXPN),
}
#                    RSET    RSET x   QUIT   QUIT x  XYZZY     (empty)      .
ENDS = {
    P.START:    ends(RSET_1, RSET_X1, QUIT,  QUIT_X, NO,       EMPTY,       DOT),
    P.HELO:     ends(RSET,   RSET_X,  QUIT,  QUIT_X, NO,       EMPTY,       DOT),
    P.EHLO:     ends(RSET,   RSET_X,  QUIT,  QUIT_X, NO,       EMPTY,       DOT),
    P.MAIL:     ends(RSET,   RSET_X,  QUIT,  QUIT_X, NO,       EMPTY,       DOT),
    P.RCPT:     ends(RSET,   RSET_X,  QUIT,  QUIT_X, NO,       EMPTY,       DOT),
    P.CONTENT:  ends(TEXT,   TEXT,    TEXT,  TEXT,   TEXT,     TEXT,        END),
    P.CHUNK:    ends(OCTET,  OCTET,   OCTET, OCTET,  OCTET,    OCTET,       OCTET),
    P.CHUNKED:  ends(RSET, RSET_XCHUNK, QUIT, QUIT_XCHUNK, CHUNK_NO, CHUNK_EMPTY, CHUNK_NO),
    P.DONE:     ends(RSET,   RSET_X,  QUIT,  QUIT_X, NO,       EMPTY,       DOT),
    P.TLS:      ends(RSET_1, RSET_X1, QUIT,  QUIT_X, NO,       EMPTY,       DOT),
    P.TLS_EHLO: ends(RSET,   RSET_X,  QUIT,  QUIT_X, NO,       EMPTY,       DOT),
    P.TLS_RCPT: ends(RSET,   RSET_X,  QUIT,  QUIT_X, NO,       EMPTY,       DOT),
    P.AUTHED:   ends(RSET,   RSET_X,  QUIT,  QUIT_X, NO,       EMPTY,       DOT),
}
#                     MAIL     MAIL x   MAIL-    RCPT      RCPT?     RCPT-     DATA     DATA x
SENDS = {
    P.START:    sends(MAIL_1,  PAR_OR,  ARG_OR,  RCPT_1,   RCPT_1,   ARG_R_OR, DATA_1,  DATA_X1),
    P.HELO:     sends(MAIL,    PAR,     ARG,     RCPT_1,   RCPT_1,   ARG_R_OR, DATA_1,  DATA_X1),
    P.EHLO:     sends(MAIL,    PAR,     ARG,     RCPT_1,   RCPT_1,   ARG_R_OR, DATA_1,  DATA_X1),
    P.MAIL:     sends(NESTED,  PAR_OR,  ARG_OR,  RCPT,     NOBODY,   ARG_R,    DATA_1,  DATA_X1),
    P.RCPT:     sends(NESTED,  PAR_OR,  ARG_OR,  RCPT,     NOBODY,   ARG_R,    DATA,    DATA_X),
    P.CONTENT:  sends(TEXT,    TEXT,    TEXT,    TEXT,     TEXT,     TEXT,     TEXT,    TEXT),
    P.CHUNK:    sends(OCTET,   OCTET,   OCTET,   OCTET,    OCTET,    OCTET,    OCTET,   OCTET),
    P.CHUNKED:  sends(CHUNK_M, CHUNK_A, CHUNK_A, CHUNK_RC, CHUNK_RC, CHUNK_R,  CHUNK_D, CHUNK_DX),
    P.DONE:     sends(MAIL,    PAR,     ARG,     RCPT_1,   RCPT_1,   ARG_R_OR, DATA_1,  DATA_X1),
    P.TLS:      sends(MAIL_1,  PAR_OR,  ARG_OR,  RCPT_1,   RCPT_1,   ARG_R_OR, DATA_1,  DATA_X1),
    P.TLS_EHLO: sends(MAIL,    PAR,     ARG,     RCPT_1,   RCPT_1,   ARG_R_OR, DATA_1,  DATA_X1),
    P.TLS_RCPT: sends(NESTED,  PAR_OR,  ARG_OR,  RCPT,     NOBODY,   ARG_R,    DATA,    DATA_X),
    P.AUTHED:   sends(MAIL,    PAR,     ARG,     RCPT_1,   RCPT_1,   ARG_R_OR, DATA_1,  DATA_X1),
}
#                       BDAT    LAST    STARTTLS   AUTH        AUTH?
EXTENDS = {
    P.START:    extends(BDAT_1, BDAT_1, TLS_OR,    AUTH_OR,    MECH_OR),
    P.HELO:     extends(BDAT_1, BDAT_1, TLS_OR,    AUTH_OR,    MECH_OR),
    P.EHLO:     extends(BDAT_1, BDAT_1, TLS,       AUTH,       MECH),
    P.MAIL:     extends(BDAT_1, BDAT_1, TLS_OR,    AUTH_IN,    MECH_OR),
    P.RCPT:     extends(BDAT,   LAST,   TLS_OR,    AUTH_IN,    MECH_OR),
    P.CONTENT:  extends(TEXT,   TEXT,   TEXT,      TEXT,       TEXT),
    P.CHUNK:    extends(OCTET,  OCTET,  OCTET,     OCTET,      OCTET),
    P.CHUNKED:  extends(BDAT,   LAST,   TLS_CHUNK, AUTH_CHUNK, MECH_CHUNK),
    P.DONE:     extends(BDAT_9, BDAT_9, TLS,       AUTH,       MECH),
    P.TLS:      extends(BDAT_1, BDAT_1, ACTIVE,    AUTH_OR,    MECH_OR),
    P.TLS_EHLO: extends(BDAT_1, BDAT_1, ACTIVE,    AUTH,       MECH),
    P.TLS_RCPT: extends(BDAT,   LAST,   ACTIVE,    AUTH_IN,    MECH_OR),
    P.AUTHED:   extends(BDAT_1, BDAT_1, TLS_OR,    AUTH_2,     AUTH_2),
}
# fmt: on

Lawful = Mapping[Place, Mapping[Command, Cell]]
LAWFUL: Lawful = {place: SAYS[place] | ENDS[place] | SENDS[place] | EXTENDS[place] for place in ROWS}

HOMES: dict[Place, Places] = {
    **dict.fromkeys(ROWS, CLEAR),
    **dict.fromkeys((P.TLS, P.TLS_EHLO, P.TLS_RCPT), CRYPT),
    P.AUTHED: TRUSTED,
}
"""Where HOME leads."""


def cell(place: Place, command: Command, offered: frozenset[str]) -> Cell:
    """The cell for a server that has offered these extensions in this session, as words of its answer to EHLO."""
    found = LAWFUL[place][command]
    extension = EXTENSIONS.get(command, "")
    if extension and extension not in offered and found not in (TEXT, OCTET, ACTIVE, AUTH_2):
        return UNOFFERED[extension]
    return found


def checked(table: Lawful) -> Lawful:
    """The table, if it is total. Raises ValueError with all flaws."""
    flaws = [f"{place.name} has no cell for {c.name}" for place in ROWS for c in Command if c not in table.get(place, {})]
    cells = {id(found): found for row in table.values() for found in row.values()}.values()
    flaws += [f"{found.rule} is no rule" for found in cells if found.rule not in RULES]
    flaws += [f"{found.rule}: the first way is right" for found in cells if found.ways[0].grade is not Grade.RIGHT]
    flaws += [
        f"{found.rule}: a way says why" for found in cells for w in found.ways if bool(w.why) == (w.grade is Grade.RIGHT)
    ]
    if flaws:
        raise ValueError("lawful: " + "; ".join(flaws))
    return table


checked(LAWFUL)
