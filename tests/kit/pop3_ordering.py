"""The order of commands of POP3, written down a second time: apart from the table, not read from it.

`expected` says where a step leads, whatever came before. Knows nothing about sessions; `pop3_dialogues` holds them.
"""

import re
from base64 import b64encode
from typing import NamedTuple


def _encoded(text: bytes) -> str:
    return b64encode(text).decode()


CAPA, MECHANISMS, STLS, QUIT, NOOP, RSET, STAT = "capa", "auth", "stls", "quit", "noop", "rset", "stat"
USER, STRANGER, PASS, PASS_WRONG = "user johndoe", "user jane", "pass secret", "pass mistaken"
PLAIN, LOGIN, ELSEWHERE = (
    "auth plain",
    "auth login",
    f"auth plain {_encoded(bytes(1).join([b'jane', b'johndoe', b'secret']))}",
)
ALL, ALL_WRONG = _encoded(b"\0johndoe\0secret"), _encoded(b"\0johndoe\0mistaken")
NAME, SECRET, WRONG, CANCEL, JUNK = _encoded(b"johndoe"), _encoded(b"secret"), _encoded(b"mistaken"), "*", "!"
PROOF, PROOF_WRONG, LOGIN_NAME = f"{PLAIN} {ALL}", f"{PLAIN} {ALL_WRONG}", f"{LOGIN} {NAME}"
LIST, SCAN, UIDL, UNIQUE, NOBODY = "list", "list 2", "uidl", "uidl 2", "list 9"
RETR, TOP, GONE, TORN, DELE, DELE_OTHER = "retr 1", "top 1 0", "retr 3", "retr 4", "dele 2", "dele 1"

ANSWER, FAILURE = "(whoever was asked answers)", "(whoever was asked fails)"
SECURED = "(the handshake is complete)"

KINDS: dict[str, tuple[str, ...]] = {
    "any time": (CAPA, MECHANISMS, "capa x", QUIT, "quit x"),
    "none": ("", "foo", "apop johndoe x", ".", "helo me"),
    "stls": (STLS, "stls x"),
    "user": (USER, STRANGER, "user"),
    "pass": (PASS, PASS_WRONG, "pass"),
    "auth": (PLAIN, LOGIN, PROOF, PROOF_WRONG, LOGIN_NAME, ELSEWHERE, "auth foo", "auth plain !", "auth !"),
    "mailbox": (
        STAT, NOOP, RSET, LIST, SCAN, NOBODY, UIDL, UNIQUE, RETR, TOP, GONE, TORN, DELE, DELE_OTHER, "dele 0", "top 9 0",
        "retr", "retr x", "top 1", "list x", "stat x", "uidl -1",
    ),
}  # fmt: skip
"""Lines by kind: the order of commands allows or forbids all lines of a kind alike."""

WRITTEN_WRONG = {
    "capa x", "quit x", "stls x", "user", "pass", "auth foo", "auth plain !", "auth !", "dele 0", "top 9 0",
    "retr", "retr x", "top 1", "list x", "stat x", "uidl -1",
}  # fmt: skip
"""Lines that are refused wherever they are allowed. `dele 0` is written well, but there is no such message."""


class Known(NamedTuple):
    """What is known about a session, in prose."""

    place: str = "nobody"
    is_encrypted: bool = False
    is_greeted: bool = True
    name: str = ""
    is_right: bool = False
    asks: str = ""
    is_open: bool = False
    deleted: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


Next = tuple[list[str], Known]
"""What is said, each reply as the beginning of its first line; and what is known afterwards. `(more)`: lines follow that end
with a dot; `(cut)`: what follows does not end."""

WAITING = ("checking", "locking", "fetching", "sending", "updating")
"""The places in which the session waits for others."""


def expected(now: Known, step: str) -> Next:
    """The effect of a step: a line, or an answer that the session may be waiting for."""
    if step in (ANSWER, FAILURE, SECURED):
        return _answered(now, step)
    if now.place in WAITING:
        return [], now._replace(held=(*now.held, step))
    if now.place in ("handshake", "goodbye"):
        return [], now
    return (
        _response(now, step) if now.place in ("asked for all", "asked for name", "asked for secret") else _command(now, step)
    )


def _answered(now: Known, event: str) -> Next:
    """An answer ends the wait, and the lines held meanwhile are carried out. Other answers have no effect."""
    if now.place == "handshake":
        if event != SECURED:
            return [], now
        return [] if now.is_greeted else ["+OK pop.test"], Known(is_encrypted=True)
    if now.place not in WAITING or event == SECURED:
        return [], now
    answers, after = _next(now._replace(held=()), is_well=event == ANSWER)
    for line in now.held:
        more, after = expected(after, line)
        answers = answers + more
    return answers, after


def _next(now: Known, is_well: bool) -> Next:
    """One thing after another: the password is checked, the mailbox locked; a message is looked for, and sent."""
    nobody = now._replace(place="nobody", name="")
    if now.place == "checking":
        if not is_well:
            return ["-ERR [SYS/TEMP] Auth"], nobody
        return ([], now._replace(place="locking")) if now.is_right else (["-ERR [AUTH]"], nobody)
    if now.place == "locking":
        return (["+OK 4 "], now._replace(place="mailbox", is_open=True)) if is_well else (["-ERR [IN-USE]"], nobody)
    if now.place == "fetching":
        if not is_well or now.asks == GONE:
            return ["-ERR This message is not"], now._replace(place="mailbox")
        return ["+OK"], now._replace(place="sending")
    if now.place == "sending":
        if not is_well or now.asks == TORN:
            return ["(cut)"], now._replace(place="goodbye", is_open=False)
        return ["(more)"], now._replace(place="mailbox")
    after = now._replace(place="goodbye", is_open=False)
    return (["+OK pop.test"], after._replace(removed=now.deleted)) if is_well else (["-ERR [SYS/TEMP] Some"], after)


def _response(now: Known, line: str) -> Next:
    """An answer to a challenge must be base64 and, if name and secret are asked for together, have three parts."""
    nobody = now._replace(place="nobody", name="")
    if line == CANCEL:
        return ["-ERR Authentication cancelled"], nobody
    is_encoded = re.fullmatch(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", line)
    if not is_encoded or (now.place == "asked for all" and line not in (ALL, ALL_WRONG)):
        return ["-ERR This is not"], nobody
    if now.place == "asked for name":
        return ["+ "], now._replace(place="asked for secret", is_right=line == NAME)
    is_right = line == ALL if now.place == "asked for all" else now.is_right and line == SECRET
    return [], now._replace(place="checking", is_right=is_right)


def _kind(line: str) -> str:
    return next((kind for kind, lines in KINDS.items() if line in lines), "none")


def out_of_order(now: Known, kind: str) -> str:
    """Why a line of this kind is not allowed now; "" if it is."""
    if kind in ("none", "any time"):
        return ""
    if now.place == "mailbox":
        return "" if kind == "mailbox" else "-ERR You are logged in"
    if kind == "mailbox":
        return "-ERR Log in first"
    if kind == "pass":
        return "" if now.place == "named" else "-ERR Send USER"
    if kind == "stls" and now.place == "named":
        return "-ERR Send PASS"
    return "-ERR TLS is already" if kind == "stls" and now.is_encrypted else ""


def _command(now: Known, line: str) -> Next:
    """Checks the order of commands first, then syntax, then what it asks for."""
    unknown = "-ERR Unknown" if _kind(line) == "none" else ""
    refusal = out_of_order(now, _kind(line)) or unknown or ("-ERR" if line in WRITTEN_WRONG else "")
    if refusal:
        return [refusal], now
    return _mailbox(now, line) if now.place == "mailbox" else _login(now, line)


def _login(now: Known, line: str) -> Next:
    """A line that is allowed before somebody is known, and well-formed."""
    if line in (CAPA, MECHANISMS):
        return ["+OK (more)"], now
    if line == ELSEWHERE:
        return ["-ERR [AUTH]"], now._replace(place="nobody", name="")
    if line in (PROOF, PROOF_WRONG, PASS, PASS_WRONG):
        is_right = line == PROOF or (line == PASS and now.name == USER)
        return [], now._replace(place="checking", is_right=is_right)
    answer, place = {
        QUIT: ("+OK pop.test", "goodbye"),
        STLS: ("+OK Begin", "handshake"),
        USER: ("+OK Send PASS", "named"),
        STRANGER: ("+OK Send PASS", "named"),
        PLAIN: ("+ ", "asked for all"),
        LOGIN: ("+ ", "asked for name"),
        LOGIN_NAME: ("+ ", "asked for secret"),
    }[line]
    return [answer], now._replace(place=place, name=line if place == "named" else now.name, is_right=line == LOGIN_NAME)


def _mailbox(now: Known, line: str) -> Next:
    """A line that is allowed while the mailbox is open, and well-formed. Of four messages some may be deleted."""
    there = 4 - len(now.deleted)
    number = line.split()[1] if " " in line else ""
    if number == "9" or number in now.deleted:
        return ["-ERR"], now
    if line in (DELE, DELE_OTHER):
        return [f"+OK Message {number} is"], now._replace(deleted=(*now.deleted, number))
    if line in (RETR, TOP, GONE, TORN):
        return [], now._replace(place="fetching", asks=line)
    if line == QUIT:
        return [], now._replace(place="updating")
    if line == RSET:
        return ["+OK 4 "], now._replace(deleted=())
    words = {STAT: f"+OK {there} ", NOOP: "+OK Ok", SCAN: "+OK 2 ", UNIQUE: "+OK 2 id2"}
    return [words.get(line) or ("+OK (more)" if line in (CAPA, MECHANISMS) else f"+OK (more {there})")], now
