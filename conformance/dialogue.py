"""The client's side of a session: says lines, hears replies, and remembers both for the report.

Knows nothing about what is right (see `lawful`), or about sockets.
"""

import re
from typing import NamedTuple

from .wire import Wire

SILENT, CLOSED, GARBLED = "", "closed", "garbled"
"""What stands in place of a reply code: no reply came; the connection ended; what came is no reply."""

LONGEST_REPLY = 256 * 1024
"""Octets of a reply. What is longer is no reply."""

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Reply(NamedTuple):
    """A reply, or what came in its place. `code`: three digits, or SILENT, CLOSED, GARBLED. `lines`: without their ends."""

    code: str
    lines: tuple[bytes, ...] = ()

    @property
    def is_positive(self) -> bool:
        """Whether the server has taken the command (2yz or 3yz)."""
        return self.code[:1] in ("2", "3")

    @property
    def is_refusal(self) -> bool:
        """Whether the server has refused the command, for now or for good."""
        return self.code[:1] in ("4", "5")

    @property
    def words(self) -> list[str]:
        """The first word of each line after the first, in capitals: the extensions, if this is the answer to EHLO."""
        texts = [line[4:].decode("ascii", "replace").upper().split() for line in self.lines[1:]]
        return [text[0] for text in texts if text]

    def parameters(self, extension: str) -> list[str]:
        """What stands behind an extension in the answer to EHLO, in capitals."""
        texts = [line[4:].decode("ascii", "replace").upper().split() for line in self.lines[1:]]
        return [word for text in texts if text and text[0] == extension for word in text[1:]]


class Dialogue:
    """A connection to the server, and what was said on it.

    `patience`: seconds to wait for a reply. `surplus`: replies that came though nobody had asked.
    """

    def __init__(self, wire: Wire, patience: float) -> None:
        self.wire = wire
        self.patience = patience
        self.lines: list[str] = []
        """What was said, as `C: ...` and `S: ...`, and notes on what happened in parentheses."""
        self.surplus: list[Reply] = []
        self.is_closed = False
        """Whether the server has ended the connection."""
        self._unread = b""

    async def greeting(self) -> Reply:
        """Hears the greeting."""
        return await self.hear()

    async def say(self, line: str | bytes, octets: bytes = b"", shown: str = "") -> Reply:
        """Says a line, and what follows it at once, and hears the reply. `shown` is remembered in its place."""
        self._skip_surplus()
        self.tell(line, octets, shown)
        return await self.hear()

    def tell(self, line: str | bytes, octets: bytes = b"", shown: str = "") -> None:
        """Says a line, and what follows it at once. Several lines that are told one after another are pipelined."""
        data = line if isinstance(line, bytes) else line.encode()
        self.lines.append("C: " + (shown or _text(data)))
        self._note_octets(octets)
        self.wire.send(data + b"\r\n" + octets)

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self._note_octets(data)
        self.wire.send(data)

    async def hear(self, seconds: float = 0.0) -> Reply:
        """The next reply, or what stands in its place after so many seconds (default: the patience)."""
        lines: list[bytes] = []
        while True:
            line = await self._line(seconds or self.patience)
            if isinstance(line, str):
                self._note({SILENT: "(no reply)", CLOSED: "(the server closes the connection)"}.get(line, f"({line})"))
                return Reply(GARBLED if lines else line, tuple(lines))
            self.lines.append("S: " + _text(line))
            match = _LINE.fullmatch(line)
            lines.append(line)
            if not match or match[1] != lines[0][:3]:
                return Reply(GARBLED, tuple(lines))
            if match[2] != b"-":
                return Reply(match[1].decode(), tuple(lines))

    async def is_quiet(self, seconds: float) -> bool:
        """Whether nothing more comes for so long. What comes is surplus."""
        reply = await self.hear(seconds)
        if reply.code in (SILENT, CLOSED):
            return reply.code == SILENT
        self.surplus.append(reply)
        return False

    async def secure(self) -> str:
        """Makes a TLS handshake. Returns why it failed, "" if it did not. What came in the clear before it is dropped."""
        self._unread = b""
        fault = await self.wire.secure()
        self.lines.append(f"(the TLS handshake fails: {fault})" if fault else "(TLS handshake)")
        return fault

    async def end_output(self) -> None:
        """Says that nothing more will be sent."""
        self.lines.append("(the client sends nothing more)")
        await self.wire.end_output()

    async def pause(self, seconds: float) -> None:
        """Lets time pass, once all is sent."""
        await self.wire.pause(seconds)

    async def leave(self) -> None:
        """Says QUIT, hears the reply, and closes. What came before the reply to it is surplus."""
        if not self.is_closed:
            said = len(self.lines)
            heard = [await self.say("QUIT")]
            while heard[-1].code[:1] in ("2", "3", "4", "5") and heard[-1].code not in ("221", "421") and len(heard) < 5:
                heard.append(await self.hear(min(self.patience, 1.0)))
            replies = [reply for reply in heard if reply.code not in (SILENT, CLOSED)]
            self.surplus += replies[:-1]
            if not self.surplus:
                del self.lines[said:]
        self.wire.close()

    def close(self) -> None:
        """Closes the connection at once."""
        self.wire.close()

    async def _line(self, seconds: float) -> bytes | str:
        """The next line; or what stands in place of a code."""
        while b"\n" not in self._unread:
            if self.is_closed:
                return CLOSED
            if len(self._unread) > LONGEST_REPLY:
                return GARBLED
            data = await self.wire.hear(seconds)
            if data is None:
                return SILENT
            self.is_closed = not data
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line.removesuffix(b"\r")

    def _note(self, words: str) -> None:
        """Remembers what happened, once."""
        if self.lines[-1:] != [words]:
            self.lines.append(words)

    def _skip_surplus(self) -> None:
        """Replies that are here before the next command was sent belong to none; but a 421 may come at any time."""
        while b"\n" in self._unread:
            line, _, self._unread = self._unread.partition(b"\n")
            line = line.removesuffix(b"\r")
            self.lines.append("S: " + _text(line))
            if line[3:4] != b"-" and line[:3] != b"421":
                self.surplus.append(Reply(line[:3].decode("ascii", "replace"), (line,)))

    def _note_octets(self, data: bytes) -> None:
        *lines, rest = data.split(b"\r\n")
        self.lines += ["C: " + _text(line) for line in lines]
        if rest:
            self.lines.append("C: " + _text(rest) + "   (no CRLF)")


def _text(data: bytes) -> str:
    """A line as it is shown: control characters as escapes, and long lines cut in the middle."""
    text = data.decode("utf-8", "backslashreplace")
    if len(text) > 200:
        text = f"{text[:80]} ... ({len(data)} octets) ... {text[-20:]}"
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
