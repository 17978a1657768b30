"""A toy server with faults that the kit of conformance/ must find: a lawful session of ours, with one fault built around it.

Each fault is a filter of what the session hears or says, or a setting of it. `FAULTS` is the list, with the rules that must
be found broken: these, and no other.
"""

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

from conformance.wire import Wire
from protocol.engine.environment import Policy, Site
from protocol.engine.events import Event
from protocol.engine.session import Session
from protocol.engine.table import Mark
from protocol.esmtp.table import ASKING, ESMTP, FORWARD, PROMPTED, REVERSE

from .support import NOW, MemoryStore, find_user

Filter = Callable[["Toy", bytes], bytes]


def as_it_is(toy: "Toy", data: bytes) -> bytes:
    return data


class Fault(NamedTuple):
    """A switch of the toy. `finds`: the rules that are found broken."""

    name: str
    finds: tuple[str, ...]
    hears: Filter = as_it_is
    says: Filter = as_it_is
    ends: Callable[["Toy"], object] = lambda toy: None
    """What it does first when the client sends nothing more."""
    secures: Callable[["Toy"], object] = lambda toy: None
    """What it does when TLS has begun."""
    terms: Mapping[str, Any] = {}
    size: int = 100_000
    bears: float = 600.0
    """Seconds of silence."""
    refusals: int = 0
    """After so many in a row it closes the connection; 0: after none."""


class Toy:
    """A conversation for a `Connection`, or for a `ToyWire`: its store and its password check answer at once."""

    def __init__(self, fault: Fault, wake: Callable[[], None] = lambda: None, is_encrypted: bool = False) -> None:
        self.fault = fault
        self.stash = b""
        self.outgoing = bytearray()
        self._store = MemoryStore()
        settings: dict[str, Any] = {
            "has_tls": True,
            "authenticate": self._check,
            "authenticates_in_clear": True,
            "postmaster": lambda: "johndoe",
        }
        policy = Policy(**(settings | dict(fault.terms)))
        site = Site(ESMTP, b"toy.test", find_user, self._store, lambda: NOW, fault.size, fault.refusals, policy)
        self.session = Session(site, "192.0.2.1", lambda *_: None, lambda: None, is_encrypted)

    def _check(self, name: bytes, secret: bytes, answer: Callable[[bool | None], None]) -> Callable[[], None]:
        answer((name, secret) == (b"johndoe", b"secret"))
        return lambda: None

    # What is asked of it

    @property
    def reads_commands(self) -> bool:
        return self.session._row.reading is None

    @property
    def reads_text(self) -> bool:
        return self.session._row.reading is Mark.TEXT

    def feed(self, data: bytes) -> None:
        """Hands bytes to the session as they are."""
        self.session.receive(data)
        self._turn()

    def _turn(self) -> None:
        while self.session.is_behind or self._store.committed or self.session._row.awaited is Event.CHECKED:
            self._store.settle()
            self.session.resume()
        said = bytes(self.session.outgoing)
        self.session.outgoing.clear()
        self.outgoing += self.fault.says(self, said)

    # A conversation

    interest = None  # its patience is its own

    def open(self) -> None:
        self.session.open()
        self._turn()

    def receive(self, data: bytes) -> None:
        """In pieces, since a filter looks at the state: commands one at a time, mail data up to its end."""
        self.feed(self.fault.hears(self, data))

    def resume(self) -> None:
        self._turn()

    def secured(self) -> None:
        self.session.secured()
        self._turn()
        self.fault.secures(self)

    def end_of_input(self) -> None:
        self.fault.ends(self)
        self.session.end_of_input()
        self._turn()

    def hang_up(self) -> None:
        self.session.hang_up()

    def time_out(self) -> None:
        self.session.time_out()
        self._turn()

    def shut_down(self, at_once: bool) -> None:
        self.session.shut_down(at_once)
        self._turn()

    def break_down(self) -> None:
        self.session.break_down()
        self._turn()

    @property
    def is_finished(self) -> bool:
        return self.session.is_finished

    @property
    def wants_tls(self) -> bool:
        return self.session.wants_tls

    @property
    def takes_input(self) -> bool:
        return self.session.takes_input

    @property
    def is_behind(self) -> bool:
        return self.session.is_behind

    @property
    def is_agreed(self) -> bool:
        return self.session.is_agreed

    @property
    def patience(self) -> float:
        return min(self.fault.bears, self.session.patience)

    @property
    def farewell(self) -> str:
        return self.session.farewell


class ToyWire:
    """A connection to a toy, without a socket. Silence takes no time, unless somebody waits it out."""

    def __init__(self, fault: Fault) -> None:
        self._toy = Toy(fault)
        self._toy.open()

    def send(self, data: bytes) -> None:
        if not self._toy.is_finished:
            self._toy.receive(data)

    async def hear(self, seconds: float) -> bytes | None:
        heard = bytes(self._toy.outgoing)
        self._toy.outgoing.clear()
        return heard or (b"" if self._toy.is_finished else None)

    async def secure(self) -> str:
        if not self._toy.wants_tls:
            return "the server does not begin the handshake"
        self._toy.outgoing.clear()
        self._toy.secured()
        return ""

    async def end_output(self) -> None:
        self._toy.end_of_input()

    async def pause(self, seconds: float) -> None:
        if seconds > self._toy.patience:
            self._toy.time_out()

    def close(self) -> None:
        self._toy.hang_up()


def toys(fault: Fault) -> Callable[[], Coroutine[Any, Any, Wire]]:
    """What opens connections to a toy with this fault."""

    async def open_wire() -> Wire:
        return ToyWire(fault)

    return open_wire


# The filters


def of_commands(pattern: bytes, by: bytes) -> Filter:
    """Where commands are read, takes one text for another."""
    search = re.compile(pattern)
    return lambda toy, data: search.sub(by, data) if toy.reads_commands else data


def of_text(pattern: bytes, by: bytes) -> Filter:
    """The same where mail data is read."""
    search = re.compile(pattern)
    return lambda toy, data: search.sub(by, data) if toy.reads_text else data


def of_replies(pattern: bytes, by: bytes) -> Filter:
    search = re.compile(pattern)
    return lambda toy, data: search.sub(by, data)


def loses_what_is_behind(toy: Toy, data: bytes) -> bytes:
    before, dot, _ = data.partition(b"\r\n.\r\n")
    return before + dot if toy.reads_text else data


def stashes(toy: Toy, data: bytes) -> bytes:
    line, crlf, rest = data.partition(b"\r\n")
    if line == b"STARTTLS" and rest:
        toy.stash = rest
        return line + crlf
    return data


def swaps(toy: Toy, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([*lines[:-2], *lines[:-3:-1]]) if toy.reads_commands and len(lines) > 2 else data


def keeps_recipients(toy: Toy, data: bytes) -> bytes:
    if toy.session.state in (REVERSE, FORWARD):
        return re.sub(rb"(?i)\AMAIL FROM:<[^@\r\n][^\r\n ]*(?=\r\n)", b"NOOP", data)
    return data


def cancels_nothing(toy: Toy, data: bytes) -> bytes:
    return b"AHgAeA==\r\n" if toy.session.state in (ASKING, PROMPTED) and data == b"*\r\n" else data


def takes_anything(toy: Toy, data: bytes) -> bytes:
    return b"AGpvaG5kb2UAc2VjcmV0\r\n" if toy.session.state in (ASKING, PROMPTED) and data == b"!?\r\n" else data


def begins_mail_by_failing(toy: Toy, data: bytes) -> bytes:
    toy.stash = b"AUTH" if data.startswith(b"AUTH PLAIN AG5vYm9keQ") else b""
    return b"MAIL FROM:<>\r\n" if toy.stash else data


def lets_in_by_failing(toy: Toy, data: bytes) -> bytes:
    toy.stash = b"AUTH" if data.startswith(b"AUTH PLAIN AG5vYm9keQ") else b""
    return b"AUTH PLAIN AGpvaG5kb2UAc2VjcmV0\r\n" if toy.stash else data


def refuses_auth(toy: Toy, said: bytes) -> bytes:
    return b"535 5.7.8 No\r\n" if toy.stash and said else said


def in_pieces(toy: Toy, data: bytes) -> bytes:
    return data if data.endswith(b"\r\n") or not toy.reads_commands else data + b"\r\n"


def takes_one_at_a_time(toy: Toy, data: bytes) -> bytes:
    is_more = data.count(b"\r\n") > 1 or (b"\n" in data and not data.endswith(b"\n"))
    return b"XYZZY\r\nQUIT\r\n" if toy.reads_commands and is_more and not data.startswith(b"BDAT") else data


def passes_over_nothing(toy: Toy, data: bytes) -> bytes:
    return b"" if toy.reads_commands and data == b"\r\n" else data


def completes(toy: Toy) -> None:
    if toy.reads_text:
        toy.feed(b"\r\n.\r\n")


HIDDEN = frozenset(["LIMITS"])
NAUGHT = b"MAIL FROM:<@\r\n"
FAULTS = (
    Fault("loses what comes behind the dot", ("2920-3.1-behind-dot",), loses_what_is_behind),
    Fault("ends mail data at LF . LF", ("5321-4.1.1.4-end-of-data",), of_text(rb"(?<!\r)\n\.\n", b"\r\n.\r\n")),
    Fault("ends mail data at CR . CR", ("5321-4.1.1.4-end-of-data",), of_text(rb"\r\.\r(?!\n)", b"\r\n.\r\n")),
    Fault("ends mail data at two dots", ("5321-4.5.2-dots",), of_text(rb"\r\n\.\.\r\n", b"\r\n.\r\n")),
    Fault(
        "cuts text after 1,024 octets", ("5321-4.5.3.1.6-long-text",), of_text(rb"([^\r\n]{1024})\.\r\n", rb"\1\r\n.\r\n")
    ),
    Fault(
        "carries out the tail of a long line", ("5321-4.5.3.1.9-long-line",), of_commands(rb"([^\r\n]{1000})", rb"\1\r\n")
    ),
    Fault(
        "answers under TLS what came in the clear", ("3207-4.2-injection",), stashes, secures=lambda toy: toy.feed(toy.stash)
    ),
    Fault("ends its lines with LF", ("5321-4.2-reply-grammar",), says=of_replies(rb"\r\n", b"\n")),
    Fault("changes the code within a reply", ("5321-4.2-reply-grammar",), says=of_replies(rb"\r\n214 ", b"\r\n250 ")),
    Fault("answers RSET twice", ("5321-4.3.1-one-reply",), says=of_replies(rb"(250 2.0.0 Nothing .*\r\n)", rb"\1\1")),
    Fault("accepts half a message", ("5321-4.1.1.4-half-message",), ends=completes),
    Fault("keeps recipients behind RSET", ("5321-4.1.1.5-rset",), of_commands(rb"(?im)^RSET\r$", b"NOOP\r")),
    Fault("keeps recipients behind MAIL", ("5321-4.1.4-nested-mail",), keeps_recipients),
    Fault("does not look at SIZE", ("1870-6.1-declared",), of_commands(rb" SIZE=\d+", b"")),
    Fault("answers a message twice", ("5321-4.3.1-one-reply",), says=of_replies(rb"(250 2.0.0 Mess.*\r\n)", rb"\1\1")),
    Fault("closes without 221", ("5321-4.1.1.10-quit",), says=of_replies(rb"221 .*\r\n", b"")),
    Fault("answers out of order", ("2920-3.1-pipelined",), swaps),
    Fault("takes LF for a line end", ("5321-2.3.8-bare-lf",), of_commands(rb"(?<=[^\r])\n", b"\r\n")),
    Fault("takes CR for a line end", ("5321-2.3.8-bare-cr",), of_commands(rb"\r(?!\n)(?=.)", b"\r\n")),
    Fault("takes a segment for a line", ("5321-2.3.8-cut",), in_pieces),
    Fault("refuses the null path", ("5321-4.5.5-null-path",), of_commands(rb"MAIL FROM:<>\r\n", NAUGHT)),
    Fault("refuses quoted local-parts", ("5321-4.1.2-quoted",), of_commands(rb'MAIL FROM:<".*\r\n', NAUGHT)),
    Fault("refuses address literals", ("5321-4.1.3-literal",), of_commands(rb"MAIL FROM:<.*\[.*\r\n", NAUGHT)),
    Fault("refuses source routes", ("5321-4.1.1.3-source-route",), of_commands(rb"RCPT TO:<@r.*\r\n", b"RCPT TO:<@\r\n")),
    Fault("refuses the postmaster", ("5321-4.5.1-postmaster",), of_commands(rb"<PostMaster>", b"<nobody@here.example>")),
    Fault("refuses xn--", ("5321-2.3.5-idn",), of_commands(rb"MAIL FROM:<.*xn--.*\r\n", NAUGHT)),
    Fault("refuses long local-parts", ("5321-4.5.3.1.1-local-part",), of_commands(rb"MAIL FROM:<a{64}.*\r\n", NAUGHT)),
    Fault("takes unknown parameters", ("5321-4.1.1.11-parameter",), of_commands(rb" XSMTPCHECK=1", b"")),
    Fault("takes any BODY", ("6152-3-body-value",), of_commands(rb" BODY=X\w+", b"")),
    Fault("refuses lines of 500 octets", ("5321-4.5.3.1.4-line",), of_commands(rb"NOOP x{400,}", b"XYZZY")),
    Fault("refuses text lines of 900 octets", ("5321-4.5.3.1.6-text-line",), of_text(rb"x{900}", b"\r")),
    Fault("refuses 64,000 octets", ("5321-4.5.3.1.7-content",), size=60_000, terms={"hidden": frozenset(["SIZE"])}),
    Fault("takes ten recipients", ("5321-4.5.3.1.8-recipients",), terms={"max_recipients": 10, "hidden": HIDDEN}),
    Fault("mistakes enhanced codes", ("2034-4-enhanced",), says=of_replies(rb"250 2\.1\.5", b"250 5.1.5")),
    Fault("says what is no keyword", ("5321-4.1.1.1-keywords",), says=of_replies(rb"(?m)^250-8BIT", b"250-_X_\r\n250-8BIT")),
    Fault(
        "says lines that are long",
        ("5321-4.5.3.1.5-reply-line",),
        says=of_replies(rb"252 2.1.5 Not", b"252 2.1.5 Not" + b"x" * 600),
    ),
    Fault("takes anything for base64", ("4954-4-base64",), takes_anything),
    Fault("goes on behind an asterisk", ("4954-4-cancel",), cancels_nothing),
    Fault("is in a transaction by a wrong password", ("4954-4-fails",), begins_mail_by_failing, refuses_auth),
    Fault("mistakes a wrong password", ("4954-4-fails",), says=of_replies(rb"535 5.7.8", b"501 5.5.4")),
    Fault("drops the transaction behind VRFY", ("5321-4.1.1.6-vrfy",), of_commands(rb"VRFY nobody[^\r]*", b"RSET")),
    Fault("refuses blanks at the end", ("5321-4.1.1-trailing-blanks",), of_commands(rb"(NOOP|>) +\r\n", b"\\1\0\r\n")),
    Fault("refuses NOOP with an argument", ("5321-4.1.1.9-noop-argument",), of_commands(rb"NOOP x+", b"NOOP\0")),
    Fault("bears no silence", ("5321-4.5.3.2.7-idle",), bears=60.0),
    Fault("leaves at the end of the input", ("5321-3.8-half-close",), ends=lambda toy: toy.outgoing.clear()),
)
LAWFUL = Fault("none", ())
TRUSTFUL = Fault(
    "trusts whom it refused",
    ("4954-4-fails",),
    lets_in_by_failing,
    refuses_auth,
    terms={"requires_authentication": True},
)
"""As it asks for AUTH, there are notes, too."""
LATITUDES = (
    Fault("closes after two refusals", (), refusals=2),
    Fault("closes where commands come together", (), takes_one_at_a_time, terms={"hidden": frozenset(["PIPELINING"])}),
    Fault("passes over empty lines", (), passes_over_nothing, terms={"hidden": frozenset(["PIPELINING"])}),
)
"""What a server may do. `finds`: the rules that then cannot be tested."""
