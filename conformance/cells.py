"""The cells of the table of what is lawful, by short names: each a rule, and the ways to keep it.

Knows nothing about where they stand in the table (see `lawful`). A name that ends in _1 is for the time before EHLO, or
before what the command needs; in _OR for places where more is allowed; CHUNK is between chunks.
"""

from .places import Place
from .ways import ANY, HOME, SAME, Cell, Grade, Way, against, only_code, right, way

P = Place

POLICY = way("530 550 553 554", SAME, "refused by policy")
LATER = way("4", ANY, "refused for now")
EARLY = against("503", SAME, "it should be carried out even before EHLO")._replace(rule="5321-4.1.4-before-hello")
CLOSING = way("421", (P.CLOSED,), "421 and closes: it stops, or a policy says so")
OPEN = way("5", ANY, "refused between chunks: what becomes of the transaction is left open")


def _cell(rule: str, *ways: Way) -> Cell:
    return Cell(rule, (*ways, CLOSING))


def _also(cell: Cell, *ways: Way) -> Cell:
    return Cell(cell.rule, (*cell.ways, *ways))


def _between(cell: Cell) -> Cell:
    """The same between chunks, where it may also be refused."""
    return Cell(cell.rule, (cell.ways[0], OPEN, *cell.ways[1:]))


# The session's commands
CLEAR, CRYPT, TRUSTED = (P.EHLO, P.HELO, P.DONE), (P.TLS_EHLO,), (P.AUTHED,)
HI = _cell("5321-4.1.1.1-hello", right("250", HOME))
_AGAIN = (
    way("500 501 502 504 550", SAME, "a second EHLO may be refused with these codes"),
    against("5", SAME, "a second EHLO is to reset, or to be refused with 500, 501, 502 or 550"),
)
AGAIN = _cell("5321-4.1.4-hello-again", right("250", HOME), *_AGAIN)
AGAIN_AUTH = _cell(
    "5321-4.1.4-hello-again", right("250", HOME), way("250", (*CLEAR, *CRYPT), "EHLO forgets who is authenticated"), *_AGAIN
)
AGAIN_CHUNK = _cell("5321-4.1.4-hello-again", right("250", HOME), OPEN)
HI_ARG = _cell(
    "5321-4.1.1.1-hello-argument",
    right("501", SAME),
    only_code("5", "501 is due for what has no argument"),
    way("250", ANY, "taken without the argument that the grammar demands"),
)
HI_ARG_CHUNK = _between(HI_ARG)
NOOP = _cell("5321-4.1.1.9-noop", right("250", SAME))
NOOP_1 = _cell("5321-4.1.1.9-noop", right("250", SAME), EARLY)
CASE = _cell("5321-2.4-case", right("250", SAME))
CASE_1 = _cell("5321-2.4-case", right("250", SAME), EARLY)
_HELP = (
    right("211 214", SAME),
    against("500 502 504", SAME, "HELP should be supported", unless="HELP"),
    Way(("500", "502"), SAME, Grade.MUST, "EHLO lists HELP", rule="5321-4.2.4-listed"),
    only_code("250 252", "211 or 214 is due"),
)
HELP = _cell("5321-4.1.1.8-help", *_HELP)
HELP_CHUNK = _between(HELP)
HELP_1 = _cell("5321-4.1.1.8-help", *_HELP, EARLY)
_VRFY = (
    right("250 251 252 550 551 553", SAME),
    against("500 502 504", SAME, "VRFY is to be supported: without it a server is not in full compliance (section 3.5.3)"),
    way("530 554 454", SAME, "refused by policy"),
    only_code("2 4 5", "the code is none of those for VRFY"),
)
VRFY = _cell("5321-3.5.3-vrfy", *_VRFY)
VRFY_CHUNK = _between(VRFY)
VRFY_1 = _cell("5321-3.5.3-vrfy", _VRFY[0], EARLY, *_VRFY[1:])
_EXPN = (right("250 252 550 500 502 504", SAME), only_code("2 4 5", "the code is none of those for EXPN"))
EXPN = _cell("5321-4.3.2-expn", *_EXPN)
EXPN_CHUNK = _between(EXPN)
EXPN_1 = _cell("5321-4.3.2-expn", _EXPN[0], EARLY, *_EXPN[1:])
QUIT = _cell("5321-4.1.1.10-quit", right("221", (P.CLOSED,)))
QUIT_X = _cell(
    "5321-4.1.1-no-argument",
    right("501", SAME),
    against("221", (P.CLOSED,), "the argument of QUIT is ignored"),
    only_code("5", "501 is due for an argument where there is none"),
)
QUIT_XCHUNK = _between(QUIT_X)
RSET = _cell("5321-4.1.1.5-rset", right("250", HOME))
RSET_1 = _cell(
    "5321-4.1.1.5-rset", right("250", SAME), way("250", HOME, "the session is then as after EHLO, which nobody said"), EARLY
)
RSET_X = _cell(
    "5321-4.1.1-no-argument",
    right("501", SAME),
    against("250", HOME, "the argument of RSET is ignored"),
    only_code("5", "501 is due for an argument where there is none"),
)
RSET_XCHUNK = _between(RSET_X)
RSET_X1 = _cell(
    "5321-4.1.1-no-argument",
    right("501", SAME),
    against("250 503", SAME, "the argument of RSET is ignored"),
    against("250", HOME, "the argument of RSET is ignored"),
    only_code("5", "501 is due for an argument where there is none"),
)
NO = _cell(
    "5321-4.2.4-unknown",
    right("500", SAME),
    only_code("5", "500 is due for a command that is not known"),
    against("4", SAME, "refused for now: a client would try again"),
)
EMPTY = _cell(
    "5321-4.2-empty",
    right("5", SAME),
    way("none", SAME, "an empty line is passed over"),
    way("2 4", SAME, "an empty line is answered as if it were a command"),
)
DOT = _cell(
    "5321-4.2.4-unknown", right("5", SAME), way("none", SAME, "a dot is passed over"), way("4", SAME, "refused for now")
)

# The transaction's commands
MAIL = _cell("5321-3.3-mail", right("250", (P.MAIL,)), POLICY, LATER)
MAIL_1 = _cell(
    "5321-4.1.4-mail-before-hello",
    right("503", SAME),
    way("250", (P.MAIL,), "taken without EHLO: the section asks it of the client, not of the server"),
    POLICY,
    only_code("5", "503 is due for a command out of order"),
    LATER,
)
NESTED = _cell(
    "5321-4.1.4-nested-mail",
    right("503", SAME),
    way("250", (P.MAIL,), "the new transaction replaces the old one, whose recipients are forgotten (section 4.1.1.2)"),
    POLICY,
    only_code("5", "503 is due for a command out of order"),
    LATER,
)
_ARGUMENT = only_code("5", "501 is due for this argument")
ARG = _cell("5321-4.1.4-mail-argument", right("501", SAME), _ARGUMENT)
ARG_OR = _cell("5321-4.1.4-mail-argument", right("501 503", SAME), _ARGUMENT)
PAR = _cell(
    "5321-4.1.1.11-parameter",
    right("555 501 504", SAME),
    POLICY,
    only_code("5", "555 is due for a parameter that is not known"),
    against("250", (P.MAIL,), "a parameter that is not known is taken"),
    LATER,
)
PAR_OR = _cell(
    "5321-4.1.1.11-parameter",
    right("555 501 503 504", SAME),
    POLICY,
    only_code("5", "555 or 503 is due for a parameter that is not known"),
    against("250", (P.MAIL,), "a parameter that is not known is taken"),
    LATER,
)
RCPT_1 = _cell(
    "5321-3.3-rcpt-first",
    right("503", SAME),
    way("530 554", SAME, "refused by policy"),
    only_code("5", "503 is due for RCPT without MAIL"),
    LATER,
)
RCPT = _cell("5321-3.3-rcpt", right("250 251", (P.RCPT,)), LATER)
NOBODY = _cell(
    "5321-3.3-rcpt-refused",
    right("550 551 553 552", SAME),
    way("450 451 452", SAME, "refused for now"),
    way("250 251 252", (P.RCPT,), "a mailbox that is not there is taken"),
    only_code("5 4", "the code is none of those for RCPT"),
)
ARG_R = _cell("5321-4.3.2-rcpt-argument", right("501 553", SAME), only_code("5", "501 is due for this argument"))
ARG_R_OR = _cell("5321-4.3.2-rcpt-argument", right("501 503", SAME), only_code("5", "503 or 501 is due"))
DATA = _cell("5321-4.1.1.4-data", right("354", (P.CONTENT,)), LATER)
DATA_1 = _cell(
    "5321-3.3-data-without-rcpt",
    right("503 554", SAME),
    way("5", SAME, "503 or 554 is usual; any other 5yz is allowed"),
    against("354", (P.VOID,), "354 without a recipient; the content is refused (RFC 2920 section 3.2)"),
    LATER,
)
DATA_X = _cell(
    "5321-4.1.1-no-argument",
    right("501", SAME),
    only_code("5", "501 is due for an argument where there is none"),
    against("354", (P.CONTENT,), "the argument of DATA is ignored"),
    LATER,
)
DATA_X1 = _cell(
    "5321-4.1.1-no-argument",
    right("501 503 554", SAME),
    only_code("5", "501 or 503 is due"),
    against("354", (P.VOID,), "354 without a recipient; the content is refused"),
)

# Chunks, and what may come between them
_AFTER = only_code("5", "503 is due for a chunk out of order", ANY)
BDAT = _cell("3030-2-bdat", right("250", (P.CHUNKED,)), LATER)
LAST = _cell("3030-2-bdat", right("250", HOME), way("5", ANY, "the content is refused"), LATER)
BDAT_1 = _cell("3030-2-discard", right("503 554", ANY), _AFTER)
BDAT_9 = _cell("3030-2-after-last", right("503", ANY), _AFTER)
CHUNK_D = _cell("3030-2-data-after-bdat", right("503", ANY), only_code("5", "503 is due for DATA after BDAT", ANY))
CHUNK_DX = _cell("3030-2-data-after-bdat", right("503 501 500", ANY), only_code("5", "503 is due for DATA after BDAT", ANY))
CHUNK_M = _also(NESTED, OPEN)
CHUNK_A = _cell(ARG.rule, right("501 503", SAME), OPEN, _ARGUMENT)
CHUNK_RC = _cell(
    "3030-2-between-chunks",
    right("503", SAME),
    OPEN,
    way("250 251 252", ANY, "a recipient is taken between chunks"),
    LATER,
)
CHUNK_R = _cell(ARG_R.rule, right("501 503", SAME), OPEN)
CHUNK_NO = _between(NO)
CHUNK_EMPTY = _between(EMPTY)

# Extensions
TLS = _cell("3207-4-starttls", right("220", (P.TLS,)), way("454", SAME, "TLS is not available for now"))
TLS_OR = _cell("3207-4-starttls", right("220", (P.TLS,)), right("5", SAME), way("454", SAME, "TLS is not available for now"))
TLS_CHUNK = _also(TLS_OR, OPEN)
ACTIVE = _cell(
    "3207-4.2-active",
    right("5", SAME),
    way("454", SAME, "refused for now, though TLS is in use"),
    way("5", ANY, "what becomes of the session is left open: the section forbids it to the client"),
)
AUTH = _cell(
    "4954-4-auth",
    right("334", (P.ASKED,)),
    right("235", TRUSTED),
    way("530 534 538", SAME, "it wants TLS, or a stronger mechanism"),
    LATER,
)
AUTH_OR = _also(AUTH, right("5", SAME))
AUTH_IN = _cell("4954-4-in-transaction", right("503", SAME), only_code("5", "503 is due within a transaction"))
AUTH_CHUNK = _also(AUTH_IN, way("503", ANY, "between chunks, what becomes of the transaction is left open"))
AUTH_2 = _cell("4954-4-again", right("503", SAME), only_code("5", "503 is due for a further AUTH"))
MECH = _cell("4954-4-mechanism", right("504", SAME), only_code("5", "504 is due for a mechanism that is not known"))
MECH_OR = _cell("4954-4-mechanism", right("5", SAME))
MECH_CHUNK = _cell("4954-4-mechanism", right("5", SAME), OPEN)

# Content
TEXT = _cell("5321-4.1.1.4-content", right("none", SAME))
END = _cell("5321-4.1.1.4-data", right("250", HOME), way("5", HOME, "the content is refused"), LATER)
OCTET = _cell("3030-2-content", right("none", SAME))
NOT_CHUNKING = _cell("3030-2-not-offered", right("5", ANY), way("2", ANY, "taken though CHUNKING is not offered"))
NOT_TLS = _cell(
    "3207-4-not-offered",
    right("5 454", SAME),
    way("220", ANY, "understood though it is not offered"),
    way("5", ANY, "between chunks, what becomes of the transaction is left open"),
)
NOT_AUTH = _cell(
    "4954-4-not-offered", right("5", SAME), way("334 235", ANY, "understood though it is not offered"), OPEN, LATER
)
UNOFFERED = {"CHUNKING": NOT_CHUNKING, "STARTTLS": NOT_TLS, "AUTH": NOT_AUTH}
"""The cells of commands whose extension was not offered."""
