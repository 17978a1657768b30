"""The order of commands of RFC 5321 and its extensions, written down a second time: apart from the table, not read from it.

`expected` says where a step leads, whatever came before. Knows nothing about sessions; `esmtp_dialogues` holds them.
"""

import re
from base64 import b64encode
from typing import NamedTuple


def _encoded(text: bytes) -> str:
    return b64encode(text).decode()


EHLO, HELO, RSET, QUIT = "ehlo me", "helo me", "rset", "quit"
MAIL, MAIL8, BINARY, ODD = "mail from:<a@b>", *(f"mail from:<a@b> {p}" for p in ("body=8bitmime", "body=binarymime", "x=y"))
RCPT, STRANGER, DATA, DOT = "rcpt to:<johndoe@here>", "rcpt to:<nobody@here>", "data", "."
BDAT, LAST, HUGE, HUGE_LAST, NONE, NONE_LAST = (
    "bdat 2000",
    "bdat 2000 last",
    "bdat 6000",
    "bdat 6000 last",
    "bdat 0",
    "bdat 0 last",
)
NOOP, HELP, VRFY, VRFY_NOBODY, EXPN, STARTTLS = "noop", "help", "vrfy johndoe", "vrfy nobody", "expn list", "starttls"
PLAIN, LOGIN = "auth plain", "auth login"
NAME, SECRET, WRONG = (_encoded(word) for word in (b"johndoe", b"secret", b"mistaken"))
ALL, ALL_WRONG = _encoded(b"\0johndoe\0secret"), _encoded(b"\0johndoe\0mistaken")
PROOF, PROOF_WRONG, LOGIN_NAME, LOGIN_WRONG = f"{PLAIN} {ALL}", f"{PLAIN} {ALL_WRONG}", f"{LOGIN} {NAME}", f"{LOGIN} {WRONG}"
PARTLESS = f"{PLAIN} AAAA"
LARGE, BARE, LOOP = "x" * 6000, "a lone\nnewline", "\r\n".join(["x", *["received: x"] * 101])

FILL = "(the octets that are due)"
STORED, FAILED = "(storage answers)", "(storage fails)"
CHECKED, UNKNOWN = "(the password check answers)", "(the password check fails)"
SECURED = "(the handshake is complete)"

LIMIT = 5000
OCTETS = {BDAT: 2000, LAST: 2000, HUGE: 6000, HUGE_LAST: 6000, NONE: 0, NONE_LAST: 0}
"""How many octets follow a line."""

KINDS: dict[str, tuple[str, ...]] = {
    "hello": (EHLO, HELO, "ehlo", "helo"),
    "mail": (MAIL, MAIL8, BINARY, ODD, "mail from:", "mail to:<a@b>", "mail from:<a@b> =y", "mail"),
    "rcpt": (RCPT, STRANGER, "rcpt to:", "rcpt to:<a@b@c>"),
    "data": (DATA, "data x"),
    "bdat": (BDAT, LAST, HUGE, HUGE_LAST, NONE, NONE_LAST, "bdat", "bdat first"),
    "starttls": (STARTTLS, "starttls x"),
    "auth": (
        PLAIN,
        LOGIN,
        PROOF,
        PROOF_WRONG,
        LOGIN_NAME,
        LOGIN_WRONG,
        "auth",
        "auth foo",
        "auth plain !",
        "auth plain AAAA",
    ),
    "any time": (RSET, NOOP, HELP, VRFY, VRFY_NOBODY, EXPN, QUIT, "rset x", "noop \1", "vrfy", "expn", "quit x"),
    "none": (DOT, "", "foo", "*"),
}
"""Lines by kind: the order of commands allows or forbids all lines of a kind alike."""

_ENDS = ("x", "from:", "to:", "first", "\1", "!")
SYNTAX = {
    **{line: "501" for lines in KINDS.values() for line in lines if line.split(" ")[-1] in _ENDS},
    **dict.fromkeys(["ehlo", "helo", "mail", "bdat", "auth", "vrfy", "expn"], "501"),
    **dict.fromkeys(["mail to:<a@b>", "mail from:<a@b> =y", "rcpt to:<a@b@c>"], "501"),
    "auth foo": "504",
}
"""Lines with wrong syntax, and their reply codes."""


class Known(NamedTuple):
    """What is known about a session, in prose. `lacks`: the kinds of line that this server does not offer."""

    place: str = "nobody"
    is_extended: bool = False
    is_encrypted: bool = False
    is_authenticated: bool = False
    is_binary: bool = False
    is_right: bool = False
    due: int = 0
    octets: int = 0
    fault: str = ""
    refusal: str = ""
    held: tuple[str, ...] = ()
    lacks: frozenset[str] = frozenset()
    is_greeted: bool = True


Next = tuple[list[str], Known]
"""The replies, each as its code and words that it contains; and what is known afterwards."""


def expected(now: Known, step: str) -> Next:
    """The effect of a step: a line, or an answer that the session may be waiting for."""
    if step in (STORED, FAILED, CHECKED, UNKNOWN, SECURED):
        return _answered(now, step)
    if step == FILL and not now.due:
        return [], now
    if now.due:
        return _octets(now, step)
    if now.place in ("storing", "checking"):
        return [], now._replace(held=(*now.held, step))
    if now.place in ("handshake", "goodbye"):
        return [], now
    if now.place == "mail data":
        return _mail_data(now, step)
    return (
        _answer(now, step) if now.place in ("asked for all", "asked for name", "asked for secret") else _command(now, step)
    )


def _home(now: Known, answer: str) -> Next:
    """Ends the transaction, or the attempt to authenticate; everything known before it is still known."""
    return [answer], now._replace(place="client", is_binary=False, octets=0, fault="")


def _answered(now: Known, event: str) -> Next:
    """An answer that the session waits for ends the wait, and the lines held meanwhile are carried out. Others have no
    effect.
    """
    if now.place == "storing" and event in (STORED, FAILED):
        answers, after = _home(now, "250" if event == STORED else "452")
    elif now.place == "checking" and event in (CHECKED, UNKNOWN):
        is_right = now.is_right and event == CHECKED
        answers, after = _home(now, "235" if is_right else "535" if event == CHECKED else "454")
        after = after._replace(is_authenticated=is_right)
    elif now.place == "handshake" and event == SECURED:
        answers, after = [] if now.is_greeted else ["220"], Known(is_encrypted=True, lacks=now.lacks)
    else:
        return [], now
    after = after._replace(held=())
    for line in now.held:
        more, after = expected(after, line)
        answers = answers + more
    return answers, after


def _fault_in(line: str) -> str:
    return {BARE: "550 CR or LF", LOOP: "554"}.get(line, "")


def _octets(now: Known, step: str) -> Next:
    """These belong to a BDAT, accepted or refused. They are never taken for a line."""
    size = now.due if step == FILL else len(step) + 2
    now = now._replace(due=now.due - size)
    assert now.due >= 0, "the steps of a dialogue fit into its chunks"
    if now.refusal:
        return ([], now) if now.due else ([now.refusal], now._replace(refusal=""))
    now = now._replace(octets=now.octets + size, fault=now.fault or _fault_in(step))
    return ([], now) if now.due else _end_of_chunk(now)


def _end_of_chunk(now: Known) -> Next:
    if now.octets > LIMIT:
        return _home(now, "552")
    return (["250"], now._replace(place="chunks")) if now.place == "chunk" else _end_of_content(now)


def _mail_data(now: Known, line: str) -> Next:
    if line == DOT:
        return _home(now, "552") if now.octets > LIMIT else _end_of_content(now)
    return [], now._replace(octets=now.octets + len(line) + 2, fault=now.fault or _fault_in(line))


def _end_of_content(now: Known) -> Next:
    return _home(now, now.fault) if now.fault else ([], now._replace(place="storing"))


def _answer(now: Known, line: str) -> Next:
    """An AUTH answer must be base64 and, if name and secret are asked for together, have three parts."""
    is_encoded = re.fullmatch(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", line)
    if not is_encoded or (now.place == "asked for all" and line not in (ALL, ALL_WRONG)):
        return _home(now, "501")
    if now.place == "asked for name":
        return ["334"], now._replace(place="asked for secret", is_right=line == NAME)
    is_right = line == ALL if now.place == "asked for all" else now.is_right and line == SECRET
    return [], now._replace(place="checking", is_right=is_right)


def _kind(line: str) -> str:
    return next((kind for kind, lines in KINDS.items() if line in lines), "none")


def out_of_order(now: Known, kind: str) -> str:
    """Why a line of this kind is not allowed now; "" if it is."""
    if kind in ("none", "hello", "any time"):
        return ""
    if now.place == "client":
        if now.is_authenticated and kind in ("starttls", "auth"):
            return "503 already authenticated"
        if now.is_encrypted and kind == "starttls":
            return "503 TLS is already in use"
        return "503 Send MAIL first" if kind in ("rcpt", "data", "bdat") else ""
    if now.place == "nobody":
        return "503 TLS is already in use" if now.is_encrypted and kind == "starttls" else "503 Send EHLO or HELO first"
    if now.place == "chunks":
        return "" if kind == "bdat" else "503 Content is under way"
    if kind in ("mail", "starttls", "auth"):
        return "503 transaction is under way"
    return "503 send RCPT first" if now.place == "reverse-path" and kind != "rcpt" else ""


def _command(now: Known, line: str) -> Next:
    """Checks the order of commands first, then syntax, then whether the server offers the command."""
    kind = _kind(line)
    refusal = out_of_order(now, kind) or SYNTAX.get(line, "") or ("502" if kind in now.lacks else "")
    if refusal and OCTETS.get(line):
        return [], now._replace(due=OCTETS[line], refusal=refusal)
    if refusal:
        return [refusal], now
    return _any_time(now, line) if kind in ("none", "hello", "any time") else _step(now, line)


def _any_time(now: Known, line: str) -> Next:
    if line in (EHLO, HELO):
        return _home(now._replace(is_extended=line == EHLO), "250")
    if line == RSET:
        return (["250"], now) if now.place == "nobody" else _home(now, "250")
    if line == QUIT:
        return ["221"], now._replace(place="goodbye")
    return [{NOOP: "250", HELP: "214", VRFY: "250", VRFY_NOBODY: "550", EXPN: "502"}.get(line, "500")], now


def _step(now: Known, line: str) -> Next:
    """The effect of a line that is allowed now, offered, and well-formed."""
    if line in (BINARY, MAIL8, ODD) and (line == ODD or not now.is_extended or (line == BINARY and "bdat" in now.lacks)):
        return ["555"], now
    if line == DATA and now.is_binary:
        return ["503 BDAT"], now
    if line == PARTLESS:
        return ["501"], now
    if line in OCTETS:
        after = now._replace(place="last chunk" if line.endswith("last") else "chunk", due=OCTETS[line])
        return ([], after) if after.due else _end_of_chunk(after)
    if line in (PROOF, PROOF_WRONG):
        return [], now._replace(place="checking", is_right=line == PROOF)
    if line in (LOGIN_NAME, LOGIN_WRONG):
        return ["334"], now._replace(place="asked for secret", is_right=line == LOGIN_NAME)
    answer, place = {
        MAIL: ("250", "reverse-path"),
        MAIL8: ("250", "reverse-path"),
        BINARY: ("250", "reverse-path"),
        RCPT: ("250", "recipients"),
        STRANGER: ("550", now.place),
        DATA: ("354", "mail data"),
        STARTTLS: ("220", "handshake"),
        PLAIN: ("334", "asked for all"),
        LOGIN: ("334", "asked for name"),
    }[line]
    return [answer], now._replace(place=place, is_binary=line == BINARY or now.is_binary)
