"""Dialogues through every situation of POP3, held with a session and compared with `pop3_ordering`.

`check_order` holds them all. The tests of mutants show that the walks suffice to tell where a line has led.
"""

from collections.abc import Callable, Iterator
from itertools import product
from random import Random
from typing import NamedTuple

from protocol.engine.dialect import Dialect
from protocol.pop3.outside import Unopened
from protocol.pop3.table import Pop3

from .pop3 import Outside, PopClient
from .pop3_ordering import (
    ALL,
    ALL_WRONG,
    ANSWER,
    CANCEL,
    DELE,
    FAILURE,
    GONE,
    JUNK,
    KINDS,
    LIST,
    LOGIN,
    NAME,
    NOOP,
    PASS,
    PASS_WRONG,
    PLAIN,
    PROOF,
    QUIT,
    RETR,
    SECRET,
    SECURED,
    STAT,
    STLS,
    STRANGER,
    USER,
    WAITING,
    WRONG,
    Known,
    expected,
)

Steps = tuple[str, ...]

MESSAGES = (b"Subject: one\n\n.dot\n", b"two", b"three", b"four\n")

CLEAR, ENCRYPTED = (), (STLS, SECURED)
NOBODY: dict[str, Steps] = {
    "nobody known": (),
    "a name is known": (USER,),
    "a name is known, which has no mailbox": (STRANGER,),
    "asked for all": (PLAIN,),
    "asked for a name": (LOGIN,),
    "asked for a secret": (LOGIN, NAME),
    "asked for a secret, after a name": (USER, LOGIN, NAME),
    "the password is being checked": (USER, PASS),
    "a wrong password is being checked": (USER, PASS_WRONG),
    "a proof is being checked": (PROOF,),
    "the mailbox is being locked": (USER, PASS, ANSWER),
}
OPENED = (USER, PASS, ANSWER, ANSWER)
MAILBOX: dict[str, Steps] = {
    "the mailbox is open": (),
    "a message is deleted": (DELE,),
    "a message is being looked for": (RETR,),
    "a message that is gone is being looked for": (GONE,),
    "a message is being sent": (RETR, ANSWER),
    "nothing is being removed": (QUIT,),
    "a message is being removed": (DELE, QUIT),
}
SITUATIONS: dict[str, Steps] = {
    "a handshake is due": (STLS,),
    "goodbye was said": (QUIT,),
    "goodbye was said to a client": (*OPENED, QUIT, ANSWER),
} | {
    f"{home}: {part}": (*start, *steps)
    for home, start in (("in the clear", CLEAR), ("encrypted", ENCRYPTED))
    for part, steps in (NOBODY | {name: (*OPENED, *steps) for name, steps in MAILBOX.items()}).items()
}
"""The situations of a session, each with a dialogue that leads there."""

LINES = tuple(line for lines in KINDS.values() for line in lines)
RESPONSES = (ALL, ALL_WRONG, NAME, SECRET, WRONG, CANCEL, JUNK)
EVENTS = (ANSWER, FAILURE, SECURED)

WALKS: tuple[Steps, ...] = (
    (ANSWER, SECRET, ANSWER, ANSWER, NOOP, STLS, SECURED, PASS, ANSWER, ANSWER, STAT, USER, PASS, ANSWER, ANSWER, LIST),
    (ANSWER, ANSWER, ANSWER, RETR, ANSWER, ANSWER, PASS_WRONG, ANSWER, STLS, SECURED, STLS, QUIT, ANSWER, NOOP),
)
"""Held after every line, these tell where it has led: no two situations answer both walks alike."""


class Dialogue(NamedTuple):
    """Steps, of which number `at` is the one to test in its situation; and what is known at the start."""

    steps: Steps
    at: int = 0
    start: Known = Known()


class Talk:
    """A client with all that its session asks of others, which answer when a step says so."""

    def __init__(self, dialect: Dialect, start: Known) -> None:
        self.outside = Outside(*MESSAGES)
        self.outside.gone, self.outside.torn = {2}, {3}
        self.client = PopClient(self.outside, dialect=dialect, is_encrypted=not start.is_greeted, is_secured=False)

    def take(self, step: str) -> bytes:
        """Makes a step: a line or an answer. Returns what the server says."""
        if step == SECURED:
            self.client.session.secured()
            return self.client.hear()
        if step in (ANSWER, FAILURE):
            return self._answer(is_well=step == ANSWER)
        return self.client.say(step)

    def _answer(self, is_well: bool) -> bytes:
        outside, session = self.outside, self.client.session
        kept = outside.gone, outside.torn
        outside.is_able = outside.can_remove = is_well
        outside.why = None if is_well else Unopened.IN_USE
        if not is_well:
            outside.gone = outside.torn = {0, 1, 2, 3}
        was_sending = session.state is Pop3.SENDING
        heard = self.client.settle()
        while (
            was_sending and session.state is Pop3.SENDING and outside.pending
        ):  # it asks once a piece, and once more for the end
            heard += self.client.settle()
        outside.gone, outside.torn = kept
        return heard


def check_reply(heard: bytes, answers: list[str]) -> bool:
    """Whether this is what `expected` says."""
    for answer in answers:
        lines, _, end = answer.rpartition("(")
        if not end.endswith(")"):
            lines, end = answer, ""
        if not heard.startswith(lines.strip().encode()):
            return False
        rest = heard.partition(b"\r\n")[2] if lines else heard
        if end == "cut)":
            return not rest.endswith(b"\r\n.\r\n")
        if end:
            body, dot, heard = (b"\r\n" + rest).partition(b"\r\n.\r\n")
            if not dot or (end != "more)" and body.count(b"\r\n") != int(end[5:-1])):
                return False
        else:
            heard = rest
    return not heard


def hold(dialect: Dialect, dialogue: Dialogue, at_step: Callable[[int], None] = lambda number: None) -> None:
    """Holds a dialogue. Checks each reply, the lock, and whether the session waits, wants TLS, or is over."""
    now = dialogue.start
    talk = Talk(dialect, now)
    session = talk.client.session
    assert bool(talk.client.greeting) == now.is_greeted
    for number, step in enumerate(dialogue.steps):
        at_step(number)
        heard = talk.take(step)
        answers, now = expected(now, step)
        so_far = dialogue.steps[: number + 1]
        assert check_reply(heard, answers), f"{so_far}: {answers} expected, {heard!r} heard"
        assert session.wants_tls == (now.place == "handshake"), so_far
        assert session.is_finished == (now.place == "goodbye"), so_far
        assert session.takes_input == (now.place not in ("handshake", "goodbye", *WAITING)), so_far
        assert talk.outside.is_open == now.is_open, so_far
        assert len(talk.outside.mailbox) == len(MESSAGES) - len(now.removed), so_far


def known_after(steps: Steps, start: Known = Known()) -> Known:  # noqa: B008  it cannot change
    """What is known after these steps."""
    for step in steps:
        _, start = expected(start, step)
    return start


def dialogues() -> Iterator[Dialogue]:
    """Every line and every answer in every situation, each followed by every walk."""
    for opening in SITUATIONS.values():
        yield from _all_steps(opening, Known())
    for opening in ((), (SECURED,)):  # encrypted from the first moment on
        yield from _all_steps(opening, Known(place="handshake", is_greeted=False))


def _all_steps(opening: Steps, start: Known) -> Iterator[Dialogue]:
    now = known_after(opening, start)
    steps: Steps = (*LINES, *EVENTS, *(RESPONSES if now.place.startswith("asked") else ()))
    for step, walk in product(steps, WALKS):
        yield Dialogue((*opening, step, *walk), len(opening), start)
    if now.place in WAITING:  # a held line is carried out as if it came after the answer
        for line, event in product(LINES, (ANSWER, FAILURE)):
            yield Dialogue((*opening, line, event, *WALKS[1]), len(opening) + 1, start)


def check_order(dialect: Dialect) -> None:
    """Holds all dialogues."""
    for dialogue in dialogues():
        hold(dialect, dialogue)


def wandering(random: Random, length: int) -> Steps:
    """A random history, which begins somewhere in a dialogue: few get far from the beginning."""
    likely = (*[ANSWER] * 6, *[FAILURE] * 4, USER, PASS, *RESPONSES, SECURED, *LINES)
    return (*random.choice(list(SITUATIONS.values())), *(random.choice(likely) for _ in range(length)))
