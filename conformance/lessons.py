"""What a lawful server would have said in a session of which there is a transcript, line by line: for those who learn.

Knows nothing about how a transcript looks (see `transcripts`), or about servers: all it knows is the table.

A transcript does not say which mailboxes there are, or whether a password is right. So a recipient that is refused is taken
to be unknown, and credentials that are refused to be wrong. Where a reply is against the table, the session goes on as the
client must believe: as if it were true.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from .asking import Asked, asked
from .lawful import cell
from .places import Command, Place
from .rules.known import RULES
from .transcripts import Entry, Who
from .ways import HOME, Cell, Grade, Way, right, way
from .ways import SAME as STAYS

ALL = frozenset(("CHUNKING", "STARTTLS", "AUTH", "PIPELINING"))
"""What a script is taken to be offered, which shows no answer to EHLO."""

USUAL = frozenset(("PLAIN", "LOGIN"))
"""Its mechanisms of AUTH."""

C, P = Command, Place
_ACCEPTED = {
    (C.MAIL, "2"): P.MAIL, (C.RCPT, "2"): P.RCPT, (C.DATA, "3"): P.CONTENT, (C.DATA_X, "3"): P.CONTENT,
    (C.BDAT, "2"): P.CHUNKED,
}  # fmt: skip
"""Where a client must believe to be when a command was accepted, rightly or not."""
_LATER = way("4", STAYS, "refused for now")
_ODD = Cell(
    "5321-4.3.2-syntax", (right("501", STAYS), right("500 504 550 553 555 503", STAYS), way("4", STAYS, "refused for now"))
)
_CONTENT = (way("503 550 552 554", STAYS, "the content is refused, perhaps by a policy"),)
_PARAMETER = Cell("5321-4.1.1.11-parameter", (right("501 504 550 552 553 554 555", STAYS), _LATER))
_ANSWERED = Cell(
    "4954-4-auth",
    (right("235", (P.AUTHED,)), right("334", (P.ASKED,)), right("501 535 534 538", HOME), way("4", HOME, "refused for now")),
)
_VOID = Cell("5321-3.3-data-without-rcpt", (right("554 503 5", HOME), way("4", HOME, "refused for now")))
_PROOF = Cell("4954-4-auth", (right("235", (P.AUTHED,)),))
_GREETED = Cell("5321-3.1-greeting", (right("220", STAYS), right("554 521 421", STAYS)))
_UNASKED = Cell("5321-4.3.1-one-reply", (right("421", (P.CLOSED,)),))


_FILLED, _FILLING = (P.RCPT, P.TLS_RCPT, P.CHUNKED), (C.DATA, C.BDAT, C.LAST)


class Lesson(NamedTuple):
    """What is said of one command and its reply.

    `said`: the client's lines; of a message, all of them. None for the greeting. `heard`: the reply's lines; none if there
    is none. `words`: what is to be learnt. `number`: of the line in the transcript.
    """

    said: tuple[str, ...]
    heard: tuple[str, ...]
    grade: Grade
    words: str
    number: int


def lessons(entries: Iterable[Entry]) -> list[Lesson]:
    """What a lawful server would have said, for each command in turn."""
    rows = list(entries)
    course = Course(is_script=not any(entry.who is Who.SERVER for entry in rows))
    for entry in rows:
        course.take(entry)
    course.end()
    return course.lessons


class Course:
    """Follows a session through the table. With `is_script` there are no replies: the best is taken for each."""

    def __init__(self, is_script: bool) -> None:
        self.lessons: list[Lesson] = []
        self._is_script = is_script
        self._place = self._home = P.START
        self._is_encrypted = False
        self._offered, self._mechanisms = (ALL, USUAL) if is_script else (frozenset[str](), frozenset[str]())
        self._is_greeted = is_script
        self._waiting: deque[Asked] = deque()
        self._unread: deque[Entry] = deque()
        self._heard: list[str] = []
        self._octets = 0
        self._content: list[str] = []

    def take(self, entry: Entry) -> None:
        """The next line. A handshake is known by the reply to STARTTLS."""
        if entry.who is Who.SERVER:
            self._heard.append(entry.text)
            if entry.text[3:4] != "-":
                heard, self._heard = tuple(self._heard), []
                self._replied(heard, entry.number)
        elif entry.who is Who.CLIENT:
            self._unread.append(entry)
            self._read()

    def end(self) -> None:
        """The transcript is over. Of what still waits for its reply nobody can tell whether the server was silent."""
        for waiting in self._waiting if self._place is not P.CLOSED else ():
            words = f"the transcript ends before the reply: {due(self._cell(waiting))} is due"
            self._tell((waiting.text,), tuple(self._heard), Grade.NOTE, words, waiting)
            self._heard = []
        if self._place in (P.CONTENT, P.VOID) and not self._waiting:
            self._tell((*self._content,), (), Grade.NOTE, "the message is not ended: a dot alone on a line is missing")

    def _tell(
        self, said: tuple[str, ...], heard: tuple[str, ...], grade: Grade, words: str, at: Asked | None = None
    ) -> None:
        self.lessons.append(Lesson(said, heard, grade, words, at.number if at else 0))

    # What the client says

    def _read(self) -> None:
        """Reads the lines that can be read: how they are, depends on the replies to some commands before them."""
        while self._unread and not (self._waiting and self._waiting[-1].command in (C.DATA, C.DATA_X, C.STARTTLS, C.AUTH)):
            entry = self._unread.popleft()
            if self._octets > 0:
                self._octets -= len(entry.text.encode()) + len("\r\n")
            elif self._place in (P.CONTENT, P.VOID) and not self._waiting and entry.text != ".":
                self._content.append(entry.text)
            elif self._place is P.CLOSED:
                self._tell((entry.text,), (), Grade.NOTE, "the session is over: nothing more is answered")
            else:
                self._ask(entry)

    def _ask(self, entry: Entry) -> None:
        if self._place is P.ASKED and not self._waiting:
            found = Asked(entry.text, C.AUTH, entry.number)
        else:
            found = asked(entry.text, entry.number, self._mechanisms)
        self._octets = found.octets if "CHUNKING" in self._offered else 0
        self._waiting.append(found)
        if self._is_script:
            self._answered(self._waiting.popleft(), ())

    # What the server says

    def _replied(self, heard: tuple[str, ...], number: int) -> None:
        nobody = Asked("", C.EMPTY, number)
        if not self._is_greeted:
            self._is_greeted = True
            self._judge(nobody, (), heard, _GREETED)
        elif not self._waiting:
            self._judge(nobody, (), heard, _UNASKED)
        else:
            self._answered(self._waiting.popleft(), heard)
        self._read()

    def _answered(self, waiting: Asked, heard: tuple[str, ...]) -> None:
        is_end = self._place in (P.CONTENT, P.VOID)
        said = (*self._content, ".") if is_end else (waiting.text,)
        self._content = []
        found = self._cell(waiting, heard[-1][:3] if heard else "")
        taken, code = self._judge(waiting, said, heard, found)
        if code[:1] in ("2", "3"):
            self._accepted(waiting, heard, is_end)
        if taken is None:
            to = _ACCEPTED.get((waiting.command, code[:1])) if not is_end else None
            self._place = to or (self._home if is_end else self._place)
        elif taken.to is HOME:
            self._place = self._after_mail if is_end or waiting.command is C.LAST else self._home
        elif isinstance(taken.to, tuple):
            self._place = self._home if self._home in taken.to else taken.to[0]

    @property
    def _after_mail(self) -> Place:
        return P.DONE if self._home in (P.EHLO, P.HELO) else self._home

    def _accepted(self, waiting: Asked, heard: tuple[str, ...], is_end: bool) -> None:
        """A command was accepted: what follows from it for the session."""
        if is_end:
            return
        if waiting.command in (C.EHLO, C.HELO):
            is_old = waiting.command is C.HELO
            known = P.TLS_EHLO if self._is_encrypted else P.HELO if is_old else P.EHLO
            self._home = P.AUTHED if self._home is P.AUTHED else known
            if heard:
                words = [line[4:].upper().split() for line in heard[1:]]
                self._offered = frozenset(word[0] for word in words if word)
                self._mechanisms = frozenset(name for word in words if word[:1] == ["AUTH"] for name in word[1:])
        elif waiting.command is C.STARTTLS:
            self._place = self._home = P.TLS
            self._is_encrypted = True
        elif waiting.command is C.AUTH and (not heard or heard[-1].startswith("235")):
            self._home = P.AUTHED

    def _cell(self, waiting: Asked, code: str = "") -> Cell:
        """The cell of a command, as far as its line and the reply tell which."""
        command, place = waiting.command, self._place
        if place is P.ASKED:
            return _ANSWERED
        if place is P.VOID:
            return _VOID
        if self._is_encrypted and (place is P.RCPT or command is C.STARTTLS):
            place = P.TLS_RCPT
        if waiting.is_odd and code[:1] not in ("2", "3"):
            return _ODD
        if waiting.has_parameters and code[:1] in ("4", "5"):
            found = cell(place, command, self._offered)
            return found if any(w.allows(code) for w in found.ways) else _PARAMETER
        if command is C.RCPT and code[:1] in ("4", "5"):
            command = C.RCPT_NOBODY
        found = cell(place, command, self._offered)
        if not code and found.rule == "4954-4-auth" and len(waiting.text.split()) > 2:
            return _PROOF
        more = (
            _ANSWERED.ways if found.rule == "4954-4-auth" else _CONTENT if place in _FILLED and command in _FILLING else ()
        )
        return Cell(found.rule, (*found.ways, *more))

    def _judge(self, waiting: Asked, said: tuple[str, ...], heard: tuple[str, ...], found: Cell) -> tuple[Way | None, str]:
        """Says what is right, and returns the way that was taken, if it is one, and the code."""
        if not heard:
            best = found.ways[0]
            self._tell(said, (), Grade.RIGHT, f"{due(Cell(found.rule, (best,)))} ({RULES[found.rule].source})", waiting)
            return best, best.codes[0].ljust(3, "0")
        code = heard[-1][:3]
        allowing = [w for w in found.ways if w.allows(code) and w.unless not in self._offered]
        taken = next((w for w in allowing if code in w.codes), allowing[0] if allowing else None)
        if taken is None or taken.grade is Grade.MUST:
            rule = RULES[(taken and taken.rule) or found.rule]
            self._tell(said, heard, Grade.MUST, f"{due(found)} is due ({rule.source}). {rule.asks}", waiting)
        else:
            rule = RULES[taken.rule or found.rule]
            is_refusal = code[:1] in ("4", "5")  # then there is something to be learnt
            words = f"{taken.why} ({rule.source})" if taken.why else f"{rule.source}{f': {rule.asks}' * is_refusal}"
            self._tell(said, heard, taken.grade, words, waiting)
        return taken, code


def due(found: Cell) -> str:
    """The codes that are right, for people."""
    codes = [code for w in found.ways if w.grade is Grade.RIGHT for code in w.codes]
    return " or ".join(dict.fromkeys(code + "yz"[: 3 - len(code)] if code else "nothing" for code in codes))
