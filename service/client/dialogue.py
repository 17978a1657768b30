"""The client's side of a dialogue: sends what is typed, and shows what the server says.

Knows nothing about sockets.
"""

import os
import re
from collections.abc import Callable

from .keyboard import Keyboard

PATIENCE = 86_400.0
"""Seconds of silence after which the client gives up: a day, since people go for lunch."""

LONGEST_LINE = 64 * 1024
"""An incomplete line of the server is shown when it has more octets than this."""

CLOSED = "the server closed the connection"
UNFINISHED = 'the script ended inside the mail data: the message was not sent, end it with a line "."'
SILENT = "the server was silent for too long"

_REPLY = re.compile(rb"([2-5][0-9][0-9])([ -]|\Z)")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Dialogue:
    """The client's side of a connection.

    A script's lines are sent one at a time, each after the reply to the one before; a person's lines are sent at once. The
    server's lines are shown. With `is_transcript` both sides' lines are, marked C: and S:.
    """

    def __init__(self, keyboard: Keyboard, is_script: bool, is_transcript: bool, wake: Callable[[], None]) -> None:
        self._keyboard = keyboard
        self._is_script = is_script
        self._is_transcript = is_transcript
        self._wake = wake
        self._unread = b""
        self._typed = b""
        self._typing_ended = False
        self._is_awaiting_reply = True
        self._is_sending_mail = False
        self.outgoing = bytearray()
        self.takes_input = True
        self.interest = None
        self.wants_tls = self.is_behind = self.is_agreed = self.is_finished = False
        self.patience = PATIENCE
        self.farewell = ""
        self.trouble = ""

    # Input from the person or the script

    def typed(self, data: bytes) -> None:
        """Takes input from the keyboard; b"" means that there is no more."""
        self._typed += data
        self._typing_ended = not data
        if self._typing_ended and self._typed and not self._typed.endswith(b"\n"):
            self._typed += b"\n"
        self._wake()

    def resume(self) -> None:
        """Sends the lines that may go now, and asks the keyboard for more when all are sent."""
        while b"\n" in self._typed and not self._is_held() and not self.is_finished:
            line, self._typed = self._typed.split(b"\n", 1)
            self._send(line.removesuffix(b"\r"))
        if b"\n" in self._typed:
            return
        if not self._typing_ended:
            self._keyboard.ask(self.typed)
        elif not self._is_held():
            self._finish(
                'the script ended inside the mail data: the message was not sent, end it with a line "."'
                if self._is_sending_mail
                else ""
            )

    def _is_held(self) -> bool:
        return self._is_script and self._is_awaiting_reply

    def _send(self, line: bytes) -> None:
        self.outgoing += line + b"\r\n"
        if self._is_transcript:
            show(b"C: " + line)
        if line == b".":
            self._is_sending_mail = False
        self._is_awaiting_reply = not self._is_sending_mail

    # Input from the server

    def open(self) -> None:
        """The connection is established. A script waits for the greeting."""
        self.resume()

    def secured(self) -> None:
        """Never called: the client wants no TLS."""

    def receive(self, data: bytes) -> None:
        """Takes bytes from the server, shows complete lines, and acts on replies."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        if len(self._unread) > LONGEST_LINE:
            lines, self._unread = [*lines, self._unread], b""
        for line in [line.removesuffix(b"\r") for line in lines]:
            self._heard(line)
            reply = _REPLY.match(line)
            if reply and reply[2] != b"-":
                self._answered(int(reply[1]))
        self.resume()

    def _heard(self, line: bytes) -> None:
        show(b"S: " + line if self._is_transcript else line)

    def _answered(self, code: int) -> None:
        self._is_awaiting_reply = False
        self._is_sending_mail = code == 354
        if code in (221, 421):
            self._finish("" if code == 221 else CLOSED)

    def _finish(self, trouble: str) -> None:
        if not self.is_finished:
            self.is_finished = True
            self.trouble = trouble

    def end_of_input(self) -> None:
        """The server has closed the connection."""
        if self._unread:
            self._heard(self._unread)
        self._finish(CLOSED)

    def time_out(self) -> None:
        """Nothing was sent or received for too long."""
        self._finish(SILENT)

    def shut_down(self, at_once: bool) -> None:
        """The program wants to end: finishes at once."""
        self._finish(CLOSED)

    def break_down(self) -> None:
        """A method of this dialogue has raised an exception, which is logged."""
        self._finish(CLOSED)

    def hang_up(self) -> None:
        """The connection is gone."""
        self._finish(CLOSED)


def show(line: bytes) -> None:
    """Prints a line, with control characters as escapes such as `\\x1b`."""
    text = _UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", line.decode("utf-8", "backslashreplace"))
    try:
        print(text, flush=True)
    except OSError:  # the reader of our output is gone
        os._exit(1)
