"""The interactive client as a program: connects, and runs the dialogue.

Knows nothing about what is said.
"""

import io
import signal
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

from reactor.loop import Reactor
from reactor.stream import addresses
from reactor.stream.connection import Connection

from ..options import Arguments, checked, seconds
from ..reference import Reference
from .dialogue import PATIENCE, Dialogue
from .keyboard import Keyboard
from .teaching import check

CONNECT_TIMEOUT = 10.0
"""Seconds to wait for the connection to be established."""


NOTES = (
    (
        "scripts",
        "When standard input is not a terminal, its lines are sent one at a time, each when the one before was answered, "
        "and both sides are shown: C: for the client, S: for the server. A line of mail data that begins with a dot needs "
        "a second dot in front.",
    ),
    (
        "exit codes",
        "0: the server said 221, or the script was sent to its end, even if lines of it were refused. 1: the server could "
        "not be reached or closed the connection, or the script ended inside the mail data. 2: a bad flag. 130: Ctrl-C. "
        "With --check, 0: all replies are lawful; 1: some are not; 2: this is no transcript.",
    ),
)
"""Shown at the end of --help and of the reference."""


def talk(sock: socket.socket, peer: str, timeout: float, is_script: bool, is_transcript: bool) -> int:
    """Runs the dialogue until one side ends it. Returns the exit code: 0 if it ended in order, else 1."""
    reactor = Reactor()
    keyboard = Keyboard(reactor, is_script)
    dialogues: list[Dialogue] = []

    def open_dialogue(_: str, wake: Callable[[], None]) -> Dialogue:
        dialogues.append(Dialogue(keyboard, is_script, is_transcript, wake))
        return dialogues[0]

    sock.setblocking(False)
    Connection(reactor, sock, peer, open_dialogue, timeout, lambda _: reactor.stop())
    try:
        reactor.run()
    finally:
        if keyboard.person:
            keyboard.person.leave()
    if not dialogues[0].trouble:
        return 0
    print(f"smtpc: {peer}: {dialogues[0].trouble}", file=sys.stderr)
    return 1


def leave_once(signum: int, _: object) -> NoReturn:
    """Leaves on Ctrl-C, and ignores further ones, so that they do not print a traceback."""
    signal.signal(signum, signal.SIG_IGN)
    raise KeyboardInterrupt


def parser() -> Arguments:
    """The parser of the command line."""
    made = Arguments(
        prog="smtpc",
        allow_abbrev=False,
        description="Talks to a mail server, from a terminal or a script on standard input.",
    )
    where = "where the server is (default: 127.0.0.1:49152)"
    made.add_argument(
        "server", metavar="HOST:PORT", type=checked(addresses.parse), nargs="?", default=("127.0.0.1", 49152), help=where
    )
    patience = "give up when the server is silent for so long (default: a day)"
    made.add_argument("--timeout", metavar="SECONDS", type=seconds, default=PATIENCE, help=patience)
    made.add_argument("--quiet", action="store_true", help="from a script: show what the server says, and nothing else")
    lesson = (
        "say of a transcript (C: and S: lines, telnet's or swaks's output; - for standard input) what a server that keeps "
        "to the RFCs would have said, line by line; connects to nothing"
    )
    made.add_argument("--check", metavar="FILE", help=lesson)
    made.add_argument("--reference", action=Reference, help="print this help as Markdown and exit")
    for title, text in NOTES:
        made.add_argument_group(title, text)
    return made


def main() -> int:
    """Runs the client; returns the exit code."""
    signal.signal(signal.SIGINT, leave_once)
    options = parser().parse_args()
    if options.check is not None:
        return check(options.check)
    host, port = options.server
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    is_script = sys.stdin is None or not sys.stdin.isatty()
    try:
        with socket.create_connection((host, port), CONNECT_TIMEOUT) as sock:
            return talk(sock, addresses.name(host, port), options.timeout, is_script, is_script and not options.quiet)
    except UnicodeError:
        print(f"smtpc: {host}: this is no host name", file=sys.stderr)
        return 1
    except socket.gaierror as error:
        print(f"smtpc: {host}: {error.strerror}: is the name right?", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"smtpc: {addresses.name(host, port)}: {error.strerror or error}: is the server running there?", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
