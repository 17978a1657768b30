"""A server that answers from the table of what is lawful: of each cell it has chosen a way, by chance, and keeps to it."""

from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from conformance.cells import LATER
from conformance.lawful import cell
from conformance.places import EXTENSIONS, UNDER, Command, Place
from conformance.ways import ANY, HOME, SAME, Grade, Way
from conformance.wire import Wire

P, C = Place, Command
CLEAR, SECRET = ("CHUNKING", "STARTTLS", "AUTH", "HELP"), ("CHUNKING", "AUTH", "HELP")
ROW = {P.TLS_MAIL: P.MAIL, P.TLS_CHUNKED: P.CHUNKED, P.AUTHED_MAIL: P.MAIL}
NEEDED = {
    C.EHLO: (P.START, P.TLS),
    C.HELO: (P.START, P.TLS),
    C.MAIL: (P.EHLO, P.HELO, P.DONE, P.TLS_EHLO, P.AUTHED),
    C.RCPT: (P.MAIL, P.RCPT, P.TLS_RCPT),
    C.DATA: (P.RCPT, P.TLS_RCPT),
    C.BDAT: (P.RCPT, P.TLS_RCPT),
    C.STARTTLS: (P.EHLO,),
    C.DOT: (P.CONTENT,),
    C.AUTH: (P.EHLO, P.TLS_EHLO),
}
"""Cells that a client needs to send mail: the best way is taken."""


class Chosen:
    """What the server does in each cell."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def way(self, place: Place, command: Command, offered: frozenset[str]) -> tuple[Way, str, Random]:
        """The way, its code, and the chance that decided it."""
        twin = P.START if place is P.TLS and command not in EXTENSIONS else place  # or it would seem to remember
        chance = Random(f"{self._seed} {twin.name} {command.name}")
        found = cell(place, command, offered)
        ways = [way for way in found.ways if way.grade in (Grade.RIGHT, Grade.NOTE) and way is not LATER]
        ways = [way for way in ways if way.unless not in offered or not way.unless]
        is_needed = place in NEEDED.get(command, ())
        way = found.ways[command is C.AUTH] if is_needed else chance.choice(ways)
        code = way.codes[0] if is_needed else chance.choice(way.codes)
        return way, {"5": "554", "4": "451", "2": "250"}.get(code, code), chance


class LawfulWire:
    """A connection to such a server."""

    def __init__(self, chosen: Chosen) -> None:
        self._chosen = chosen
        self._place = self._home = P.START
        self._back = P.START
        self._is_secret = False
        self._came = b""
        self._heard = b"220 lawful\r\n"
        self._octets = 0

    # Wire

    def send(self, data: bytes) -> None:
        self._came += data
        while self._place is not P.CLOSED and (self._skip_octets() and b"\n" in self._came):
            line, _, self._came = self._came.partition(b"\r\n")
            self._take(line.decode())

    async def hear(self, seconds: float) -> bytes | None:
        heard, self._heard = self._heard, b""
        return heard or (b"" if self._place is P.CLOSED else None)

    async def secure(self) -> str:
        self._place = self._home = P.TLS
        self._is_secret = True
        return ""

    async def end_output(self) -> None:
        """Without effect."""

    async def pause(self, seconds: float) -> None:
        """Without effect."""

    def close(self) -> None:
        self._place = P.CLOSED

    # The server

    def _skip_octets(self) -> bool:
        skipped = min(self._octets, len(self._came))
        self._came, self._octets = self._came[skipped:], self._octets - skipped
        return not self._octets

    def _take(self, line: str) -> None:
        if self._place is P.VOID:
            if line == ".":
                self._answer("554", self._back)
        elif self._place is P.ASKED:
            self._answer("501", self._back)
        elif self._place is not P.CONTENT or line == ".":
            self._command(line)

    def _command(self, line: str) -> None:
        command = self._meant(line)
        offered = self._offered()
        row = ROW.get(self._place, self._place)
        if command is C.STARTTLS and self._is_secret:
            row = P.TLS_RCPT
        way, code, chance = self._chosen.way(row, command, offered)
        if command in (C.BDAT, C.LAST):
            self._octets = int(line.split()[1])
        if command in (C.EHLO, C.HELO) and code == "250":
            self._home = {C.EHLO: P.EHLO, C.HELO: P.HELO}[command] if not self._is_secret else P.TLS_EHLO
        place = self._after(way, command, chance)
        if code == "354":
            self._back = self._place
        self._answer(code if command is not C.EHLO or code != "250" else "EHLO", place)

    def _after(self, way: Way, command: Command, chance: Random) -> Place:
        to = chance.choice((SAME, HOME)) if way.to is ANY else way.to
        if way.to is ANY and way.codes == ("5",) and self._place in (P.START, P.TLS):
            to = SAME
        if to is SAME or (self._place is P.START and to is HOME and command not in (C.EHLO, C.HELO)):
            return self._place
        if to is HOME:
            return P.DONE if self._place is P.CONTENT and self._home in (P.EHLO, P.HELO) else self._home
        assert isinstance(to, tuple)
        found = UNDER.get(self._home, {}).get(to[0], to[0])
        if found is P.AUTHED:
            self._home = found
        if found is P.ASKED:
            self._back = self._place
        return self._home if self._home in to else found

    def _answer(self, code: str, place: Place) -> None:
        self._place = place
        if code == "EHLO":
            self._heard += b"250-lawful\r\n" + b"".join(
                f"250{'-' * (word != 'HELP') or ' '}{word}{' PLAIN' * (word == 'AUTH')}\r\n".encode()
                for word in (SECRET if self._is_secret else CLEAR)
            )
        elif code:
            self._heard += f"{code} it is so\r\n".encode()

    def _offered(self) -> frozenset[str]:
        offered = frozenset(SECRET if self._is_secret else CLEAR)
        return offered & {"STARTTLS", "AUTH"} if self._place in (P.START, P.TLS, P.HELO) else offered

    def _meant(self, line: str) -> Command:
        word, _, rest = line.partition(" ")
        named = {
            "EHLO": C.EHLO if rest else C.EHLO_BARE, "HELO": C.HELO, "noop": C.NOOP_SMALL, "": C.EMPTY, ".": C.DOT,
            "MAIL": C.MAIL_BAD if "<@" in rest else C.MAIL_X if "XYZZY" in rest else C.MAIL,
            "RCPT": C.RCPT_BAD if "<@" in rest else C.RCPT_NOBODY if "nobody" in rest else C.RCPT,
            "DATA": C.DATA_X if rest else C.DATA, "RSET": C.RSET_X if rest else C.RSET, "QUIT": C.QUIT_X if rest else C.QUIT,
            "BDAT": C.LAST if rest.endswith("LAST") else C.BDAT, "STARTTLS": C.STARTTLS, "VRFY": C.VRFY, "EXPN": C.EXPN,
            "AUTH": C.AUTH_UNKNOWN if "XYZZY" in rest else C.AUTH if rest.count(" ") else C.AUTH_ASK,
            "NOOP": C.NOOP, "HELP": C.HELP,
        }  # fmt: skip
        return named.get(word, C.UNKNOWN)


def opener(seed: int) -> Callable[[], Coroutine[Any, Any, Wire]]:
    chosen = Chosen(seed)

    async def open_wire() -> Wire:
        return LawfulWire(chosen)

    return open_wire
