"""The checker as a program: sends, writes a history, counts, and says what it found.

Knows nothing about how any of this is done.
"""

import argparse
import json
import logging
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count as numbers
from pathlib import Path

from reactor.loop import Reactor
from reactor.stream import addresses

from ..options import Arguments, checked, number, seconds, size
from ..output import say
from ..reference import Reference
from .count import KINDS, Found, Verdict, count
from .history import History, Run, read
from .letters import Letter, letter, recognized
from .readers import QUERY, Message, UnreadableError, database, directory, pop3
from .storm import Server, Storm, look_up

FUTILE = 10.0
"""Seconds after which the program gives up when no message could be sent at all."""

SHOWN_FAULTS = 20
"""Faults that are shown one by one; the others are only counted."""

BETWEEN_COUNTS = 0.5
"""Seconds between two counts, with --wait."""

NOTES = (
    (
        "what is counted",
        "A message that was answered 250 is to be there once, whole, in each of its mailboxes. One that was refused, or "
        "whose end was never sent, is to be nowhere. One without an answer may be there or not, but not in part, and not "
        "twice.",
    ),
    (
        "what a server must do",
        "Accept mail from <smtpcount@localhost>, and let the mailboxes be read at the end. What it puts into the header "
        "makes no difference. Kill it, cut it off, take its disk away while this program sends; then count.",
    ),
    (
        "exit codes",
        "0: all is as it was answered. 1: a fault was found. 2: nothing could be sent, nothing was acknowledged, the mail "
        "or the history cannot be read, or a bad flag.",
    ),
)
"""Shown at the end of --help and of the reference."""


class FutileError(Exception):
    """The program cannot do what it was asked to. The text says why."""


def recipient(text: str) -> tuple[str, str]:
    """Parses ADDRESS or ADDRESS=MAILBOX into both. Without a mailbox it is the part before the @."""
    address, _, mailbox = text.partition("=")
    if not address or not address.isascii() or set(address) & set(" <>\r\n"):
        raise ValueError(
            f"{text!r} is no recipient: write johndoe@example.org, or johndoe@example.org=john for mailbox john"
        )
    return address, mailbox or address.partition("@")[0]


def parser() -> Arguments:
    """The parser of the command line."""
    words = "Sends mail through SMTP servers, writes each answer down in a file, and counts what became of it."
    made = Arguments(prog="smtpcount", allow_abbrev=False, description=words)
    made.add_argument(
        "history", metavar="HISTORY", type=Path, nargs="+", help="the file; only what is counted may have several"
    )
    _add_sending(made.add_argument_group("to send").add_argument)
    _add_counting(made.add_argument_group("to count").add_argument)
    made.add_argument("--reference", action=Reference, help="print this help as Markdown and exit")
    for title, text in NOTES:
        made.add_argument_group(title, text)
    return made


def _add_sending(add: Callable[..., object]) -> None:
    where = "send through this server; may be given several times"
    add("--send", metavar="HOST:PORT", type=checked(addresses.parse), action="append", default=[], help=where)
    to = "an address, and its mailbox if that is not the part before the @; may be given several times (default: johndoe)"
    add("--to", metavar="ADDRESS[=MAILBOX]", type=checked(recipient), action="append", default=[], help=to)
    add("--clients", metavar="N", type=number(1), default=40, help="clients at a time (default: %(default)s)")
    long = "begin messages for so long; Ctrl-C or SIGTERM ends it earlier (default: %(default)s)"
    add("--seconds", metavar="SECONDS", type=seconds, default=10.0, help=long)
    add("--messages", metavar="N", type=number(1), help="end after so many messages")
    add("--octets", metavar="SIZE", type=size, default=1024, help="size of a message (default: %(default)s)")
    add(
        "--several-every",
        metavar="N",
        type=number(0),
        default=7,
        help="each Nth message has two recipients; 0: none (default: 7)",
    )
    large = ("each Nth message is a large one", "size of a large one (default: 600K)")
    add("--large-every", metavar="N", type=number(1), help=large[0])
    add("--large-octets", metavar="SIZE", type=size, default=600 << 10, help=large[1])
    patience = "give up when a server is silent for so long (default: %(default)s)"
    add("--patience", metavar="SECONDS", type=seconds, default=300.0, help=patience)


def _add_counting(add: Callable[..., object]) -> None:
    add("--directory", metavar="DIR", type=Path, help="the mail is in this directory: mbox files or Maildirs")
    add("--database", metavar="CONNINFO", help="the mail is in this PostgreSQL database")
    query = "what to ask the database: rows of a mailbox's name and a message (default: what fits --store postgres)"
    add("--query", metavar="SQL", default=QUERY, help=query)
    add("--pop3", metavar="HOST:PORT", type=checked(addresses.parse), help="the mail is behind this POP3 server")
    add("--passwords", metavar="FILE", type=Path, help="for --pop3: a line name:password for each mailbox")
    wait = "while something is wrong, count again for so long: mail may still be moving to its mailboxes (default: 0)"
    add("--wait", metavar="SECONDS", type=seconds, default=0.0, help=wait)
    add("--json", action="store_true", help="print the count as JSON")


def flaw(options: argparse.Namespace) -> str:
    """What is wrong with these options together; nothing if they are right."""
    places = [options.directory, options.database, options.pop3]
    if sum(place is not None for place in places) > 1:
        return "count in one place: --directory, --database or --pop3"
    if not options.send and not any(places):
        return "say what to do: --send HOST:PORT to send, or --directory, --database or --pop3 to count"
    if options.send and len(options.history) > 1:
        return "one run has one history"
    if bool(options.pop3) != bool(options.passwords):
        return "--pop3 and --passwords go together"
    return ""


# Sending


def letters(run: str, options: argparse.Namespace) -> Iterator[Letter]:
    """The letters of a run, without end or as many as were asked for."""
    recipients = options.to or [("johndoe", "johndoe")]
    for nth in numbers(1):
        if options.messages and nth > options.messages:
            return
        several = 2 if options.several_every and nth % options.several_every == 0 else 1
        is_large = options.large_every and nth % options.large_every == 0
        chosen = [recipients[(nth + each) % len(recipients)] for each in range(min(several, len(recipients)))]
        yield letter(f"{run}-{nth}", chosen, options.large_octets if is_large else options.octets)


def send(options: argparse.Namespace) -> str:
    """Sends, and writes the history. Returns a line about it."""
    run = secrets.token_hex(4)
    servers = [_found(host, port) for host, port in options.send]
    try:
        history = History(options.history[0], run, [server.name for server in servers])
    except FileExistsError:
        raise FutileError(f"{options.history[0]} is there already: name a new file for the history") from None
    reactor, made = Reactor(), letters(run, options)
    storm = Storm(reactor, servers, history, lambda: next(made, None), options.patience)
    reactor.call_later(options.seconds, storm.stop)
    reactor.call_later(FUTILE, lambda: None if history.sent else storm.cut_off())
    for signum in (signal.SIGINT, signal.SIGTERM):
        reactor.on_signal(signum, lambda: storm.cut_off() if storm.is_stopping else storm.stop())
    storm.begin(options.clients)
    reactor.run()
    reactor.close()
    history.end()
    if not history.sent:
        raise FutileError(f"no message could be sent: {storm.trouble or 'no server accepts HELO'}")
    return (
        f"sent {history.sent}: {history.acknowledged} acknowledged, {history.refused} refused, "
        f"{history.unanswered} without an answer"
    )


def _found(host: str, port: int) -> Server:
    try:
        return look_up(host, port)
    except (OSError, UnicodeError) as error:
        raise FutileError(
            f"{addresses.name(host, port)}: {getattr(error, 'strerror', None) or 'this is no host name'}"
        ) from error


# Counting


def verdict(options: argparse.Namespace, runs: list[Run]) -> Verdict:
    """Counts; while something is wrong, and time is left, again."""
    end = time.monotonic() + options.wait
    while True:
        counted = count(runs, _those_of_ours(messages(options)))
        if not counted.faults or time.monotonic() >= end:
            return counted
        time.sleep(BETWEEN_COUNTS)


def messages(options: argparse.Namespace) -> Iterator[Message]:
    """What is there, in the place that was named."""
    if options.directory is not None:
        return directory(options.directory)
    if options.database is not None:
        return database(options.database, options.query)
    host, port = options.pop3
    return pop3(host, port, options.passwords)


def _those_of_ours(found: Iterator[Message]) -> Iterator[Found]:
    for mailbox, content in found:
        token, digest = recognized(content) or ("", "")
        yield Found(mailbox, token, digest)


def report(counted: Verdict) -> str:
    """The verdict, for people."""
    rows = [("acknowledged", counted.acknowledged, "")]
    rows += [(kind, counted.number(kind), words) for kind, words in KINDS.items()]
    rows += [
        ("refused", counted.refused, ""),
        ("no answer", counted.unanswered, f"of them {counted.unanswered_but_found} are there"),
        ("other messages", counted.others, ""),
    ]
    lines = [f"{name:18}{figure:9,}  {words}".rstrip() for name, figure, words in rows]
    lines.append(f"{'longest silence':18}{counted.silence[0]:8.2f}s  from {counted.silence[1]:.2f} s on")
    lines += [f"{fault.kind}: {fault.words}" for fault in counted.faults[:SHOWN_FAULTS]]
    if len(counted.faults) > SHOWN_FAULTS:
        lines.append(f"and {len(counted.faults) - SHOWN_FAULTS:,} more")
    return "\n".join(lines)


def figures(counted: Verdict) -> dict[str, object]:
    """The verdict, for programs."""
    found: dict[str, object] = {kind: counted.number(kind) for kind in KINDS}
    found |= counted._asdict()
    found["silence"] = round(counted.silence[0], 3)
    found["faults"] = [fault._asdict() for fault in counted.faults]
    return found


def run(options: argparse.Namespace) -> int:
    """Does what the options say; returns the exit code."""
    if options.send:
        words = send(options)
        if not options.json:
            say("smtpcount", words)
    if options.directory is None and options.database is None and options.pop3 is None:
        return 0
    counted = verdict(options, [read(path) for path in options.history])
    say("smtpcount", json.dumps(figures(counted)) if options.json else report(counted))
    if not counted.acknowledged:
        raise FutileError("nothing was acknowledged, so nothing is proved")
    return 1 if counted.faults else 0


def main() -> int:
    """Runs the checker; returns the exit code."""
    logging.basicConfig(level=logging.ERROR, format="smtpcount: %(message)s")
    made = parser()
    options = made.parse_args()
    if wrong := flaw(options):
        made.error(wrong)
    try:
        return run(options)
    except (FutileError, UnreadableError, ValueError) as error:
        print(f"smtpcount: {error}", file=sys.stderr)
    except OSError as error:
        print(f"smtpcount: {error.filename}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    return 2
