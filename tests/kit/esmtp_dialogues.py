"""Dialogues through every situation of RFC 5321 and its extensions, held with a session and compared with `esmtp_ordering`.

`check_order` holds them all. `test_esmtp_mutants` shows that the walks suffice to tell where a line has led.
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import NamedTuple

from protocol.engine.dialect import Dialect
from protocol.engine.environment import Policy

from .esmtp_ordering import (
    ALL,
    ALL_WRONG,
    BARE,
    BDAT,
    BINARY,
    CHECKED,
    DATA,
    DOT,
    EHLO,
    FAILED,
    FILL,
    HELO,
    KINDS,
    LARGE,
    LAST,
    LIMIT,
    LOGIN,
    LOGIN_NAME,
    LOGIN_WRONG,
    LOOP,
    MAIL,
    NAME,
    NONE,
    NONE_LAST,
    PLAIN,
    PROOF,
    PROOF_WRONG,
    QUIT,
    RCPT,
    RSET,
    SECRET,
    SECURED,
    STARTTLS,
    STORED,
    UNKNOWN,
    WRONG,
    Known,
    expected,
)
from .support import Client, DiskIsFull

Steps = tuple[str, ...]

HOMES: dict[str, Steps] = {
    "in the clear": (EHLO,),
    "by HELO": (HELO,),
    "encrypted": (EHLO, STARTTLS, SECURED, EHLO),
    "authenticated": (EHLO, PROOF, CHECKED),
    "encrypted and authenticated": (EHLO, STARTTLS, SECURED, EHLO, PROOF, CHECKED),
}
TRANSACTIONS: dict[str, Steps] = {
    "client known": (),
    "reverse-path known": (MAIL,),
    "recipients known": (MAIL, RCPT, RCPT),
    "mail data is coming": (MAIL, RCPT, DATA),
    "a chunk is coming": (MAIL, RCPT, BDAT),
    "chunks came": (MAIL, RCPT, BDAT, FILL),
    "another chunk is coming": (MAIL, RCPT, NONE, BDAT),
    "the last chunk is coming": (MAIL, RCPT, BDAT, FILL, LAST),
    "the only chunk is coming": (MAIL, RCPT, LAST),
    "mail data ended": (MAIL, RCPT, DATA, DOT),
    "the last chunk came": (MAIL, RCPT, BDAT, FILL, NONE_LAST),
    "a message was stored": (MAIL, RCPT, DATA, DOT, STORED),
    "octets of a refused chunk are coming": (BDAT,),
}
BINARIES: dict[str, Steps] = {"recipients of binary content known": (BINARY, RCPT)}
PROOFS: dict[str, Steps] = {
    "asked for all": (PLAIN,),
    "asked for a name": (LOGIN,),
    "asked for a secret": (LOGIN, NAME),
    "asked for a secret only": (LOGIN_NAME,),
    "asked for a secret, the name is wrong": (LOGIN_WRONG,),
    "being checked": (PROOF,),
    "wrong, being checked": (LOGIN, NAME, WRONG),
}
OTHERS: dict[str, Steps] = {
    "nobody known": (),
    "a handshake is due": (EHLO, STARTTLS),
    "encrypted, nobody known": (EHLO, STARTTLS, SECURED),
    "goodbye was said": (EHLO, QUIT),
}
SITUATIONS: dict[str, Steps] = (
    OTHERS
    | {f"{home}: {part}": (*HOMES[home], *steps) for home in HOMES for part, steps in TRANSACTIONS.items()}
    | {f"{home}: {part}": (*HOMES[home], *steps) for home in HOMES if home != "by HELO" for part, steps in BINARIES.items()}
    | {f"{home}: {part}": (*HOMES[home], *steps) for home in ("in the clear", "encrypted") for part, steps in PROOFS.items()}
)
"""The situations of a session, each with a dialogue that leads there."""

LINES = tuple(line for lines in KINDS.values() for line in lines)
ANSWERS = (ALL, ALL_WRONG, NAME, SECRET, WRONG)
EVENTS = (FILL, STORED, FAILED, CHECKED, UNKNOWN, SECURED)
CONTENTS = (LARGE, BARE, LOOP)
"""Mail data for which a message is refused."""

WALKS: tuple[Steps, ...] = (
    (PROOF_WRONG, CHECKED, DATA, STARTTLS, DOT, FILL, STORED, SECURED, STARTTLS, MAIL, DATA),
    (RSET, PROOF_WRONG, CHECKED, MAIL, STARTTLS, RCPT, LAST, FILL, STORED, STARTTLS),
)
"""Held after every line, these tell where it has led: no two situations answer both walks alike."""


class Dialogue(NamedTuple):
    """Steps, of which number `at` is the one to test in its situation; and the server's set-up, in `start`."""

    steps: Steps
    at: int = 0
    start: Known = Known()


class Talk:
    """A client whose storage, password check and handshake answer when a step says so."""

    def __init__(self, dialect: Dialect, start: Known) -> None:
        self._answer: Callable[[bool | None], None] | None = None
        self._is_right = False
        self.taken_back = 0
        policy = Policy(
            hidden=frozenset({"CHUNKING"} if "bdat" in start.lacks else ()),
            has_tls="starttls" not in start.lacks,
            authenticate=None if "auth" in start.lacks else self._check,
            authenticates_in_clear=True,
            verifies=True,
        )
        is_encrypted = not start.is_greeted
        self.client = Client(dialect, max_message_size=LIMIT, disk_is_slow=True, policy=policy, is_encrypted=is_encrypted)
        self.client.hear()

    def _check(self, name: bytes, secret: bytes, answer: Callable[[bool | None], None]) -> Callable[[], None]:
        self._answer, self._is_right = answer, (name, secret) == (b"johndoe", b"secret")
        return self._take_back

    def _take_back(self) -> None:
        self._answer = None
        self.taken_back += 1

    def take(self, step: str, due: int) -> list[str]:
        """Makes a step: a line or an answer. Returns the last line of each reply, without its enhanced status code."""
        client = self.client
        if step == FILL:
            client.session.receive(b"x" * due)
        elif step == SECURED:
            client.session.secured()
        elif step in (STORED, FAILED):
            client.store.fault = DiskIsFull() if step == FAILED else None
            client.settle()
        elif step in (CHECKED, UNKNOWN):
            answer, self._answer = self._answer, None
            if answer:
                answer(self._is_right if step == CHECKED else None)
                client.session.resume()
        else:
            client.session.receive(step.encode() + b"\r\n")
        return [line.decode() for line in client.hear() if line[3:4] != b"-"]


@cache
def _expected(now: Known, step: str) -> tuple[tuple[str, ...], Known]:
    """What `expected` says, once: many dialogues begin alike, and are held with thousands of tables."""
    answers, after = expected(now, step)
    return tuple(answers), after


def hold(dialect: Dialect, dialogue: Dialogue, at_step: Callable[[int], None] = lambda number: None) -> None:
    """Holds a dialogue. Checks each reply, and whether the session waits, wants TLS, or is over."""
    now = dialogue.start
    talk = Talk(dialect, now)
    session = talk.client.session
    for number, step in enumerate(dialogue.steps):
        at_step(number)
        heard = talk.take(step, now.due)
        answers, now = _expected(now, step)
        so_far = dialogue.steps[: number + 1]
        assert len(heard) == len(answers), f"{so_far}: {answers} expected, {heard} heard"
        for reply, answer in zip(heard, answers, strict=True):
            code, _, words = answer.partition(" ")
            assert reply[:3] == code and words in reply, f"{so_far}: {answers} expected, {heard} heard"
        assert session.wants_tls == (now.place == "handshake"), so_far
        assert session.is_finished == (now.place == "goodbye"), so_far
        assert session.takes_input == (now.place not in ("handshake", "goodbye", "storing", "checking")), so_far


def known_after(steps: Steps, start: Known = Known()) -> Known:  # noqa: B008  it cannot change
    """What is known after these steps."""
    for step in steps:
        _, start = expected(start, step)
    return start


def dialogues() -> Iterator[Dialogue]:
    """Every line and every answer in every situation, each followed by every walk."""
    for kind, opening in product(("bdat", "starttls", "auth"), SITUATIONS.values()):
        start = Known(lacks=frozenset({kind}))
        if known_after(opening).place in ("client", "recipients") and not _is_lacking(opening, kind):
            for line, walk in product(KINDS[kind], WALKS):
                yield Dialogue((*opening, line, *([FILL] if kind == "bdat" else []), *walk), len(opening), start)
    for opening in SITUATIONS.values():
        yield from _all_steps(opening, Known())
    for opening in ((), (SECURED,)):  # encrypted from the first moment on
        yield from _all_steps(opening, Known(place="handshake", is_greeted=False))


def _is_lacking(opening: Steps, kind: str) -> bool:
    return any(line in opening for line in KINDS[kind])


def _all_steps(opening: Steps, start: Known) -> Iterator[Dialogue]:
    now = known_after(opening, start)
    steps: Steps = (*LINES, *EVENTS)
    if now.place.startswith("asked"):
        steps += ANSWERS
    if now.place in ("mail data", "chunk", "last chunk"):
        steps = (*steps, *CONTENTS[now.due > 0 :])
    for step, walk in product(steps, WALKS):
        yield Dialogue((*opening, step, *walk), len(opening), start)
    if now.place in ("storing", "checking"):  # a held line is carried out as if it came after the answer
        for line, event in product(LINES, (STORED, FAILED) if now.place == "storing" else (CHECKED, UNKNOWN)):
            yield Dialogue((*opening, line, event, *WALKS[1]), len(opening) + 1, start)


def check_order(dialect: Dialect) -> None:
    """Holds all dialogues."""
    for dialogue in dialogues():
        hold(dialect, dialogue)
