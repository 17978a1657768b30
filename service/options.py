"""The flags of the server: their names, values and help texts, and which of them may be combined.

Knows nothing about what they do.
"""

import argparse
import logging
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from protocol.esmtp import domains
from protocol.esmtp.extensions import EXTENSIONS
from reactor.stream import addresses

from . import VERSION, database
from .dev import preset
from .kinds import KINDS, POSTGRES
from .page_options import add_page, is_loopback, page_flaw
from .reference import Reference
from .tables import FORMATS
from .wiring import DIALECTS, STORES

T = TypeVar("T")


class Arguments(argparse.ArgumentParser):
    """A parser that reports an error in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def checked(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Makes an argparse type of `parse`, so that the text of its ValueError is shown to the user."""

    def kind(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return kind


def size(text: str) -> int:
    """Parses a number of octets; K, M and G are powers of 1024."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text.upper())
    if not match or not int(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: write 25M or 26214400")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def directory(text: str) -> Path:
    """A path."""
    if not text:
        raise argparse.ArgumentTypeError("'' is no directory: write ./mailboxes, or . for the current one")
    return Path(text)


def number(least: int) -> Callable[[str], int]:
    """Makes a parser for whole numbers from `least` on."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d+", text) or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
        return int(text)

    return parse


def seconds(text: str) -> float:
    """Parses a number of seconds, greater than 0."""
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", text) or not float(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds: write 300 or 0.5")
    return float(text)


MOST_MAILBOXES = 1000
"""The number of --create-mailboxes if none is given."""

# fmt: off
VALUES = (
    # flag                 shown as   is         default      meaning
    ("--mail-dir",         "DIR",     directory, "mailboxes", "directory of the mailboxes; created if it is missing"),
    ("--max-message-size", "SIZE",    size,      "25M",       "largest message: octets, or as 500K, 25M, 1G"),
    ("--max-connections",  "N",       number(1), 10_000,      "most clients at once, per worker; one more gets a 421"),
    ("--workers",          "N",       number(0), 1,           "processes that share the clients; 0: one per core"),
    ("--idle-timeout",     "SECONDS", seconds,   "300",       "a client that sends nothing for so long gets a 421"),
)

# Flags for the dialect esmtp only.
ESMTP_VALUES: tuple[tuple[str, str, Callable[[str], Any], Any, str], ...] = (
    # flag                 shown as  is         default meaning
    ("--max-recipients",   "N",      number(1), 1000,    "most recipients of a message; each one more gets a 452, and the "
                                                         "message goes to the others (default: 1000)"),
    ("--max-messages",     "N",      number(0), 0,       "most messages on a connection; 0: any number (default: 0)"),
    ("--postmaster",       "NAME",   str,       None,    "the user who gets the postmaster's mail (default: the user "
                                                         "postmaster, else --catch-all, else the first in USERS_FILE)"),
    ("--hide-extension",   "NAME",   str.upper, [],      "neither offer nor understand this extension; repeatable"),
    ("--tls-cert",         "FILE",   Path,      None,    "certificate with its chain, PEM: STARTTLS is offered"),
    ("--tls-key",          "FILE",   Path,      None,    "its private key, PEM (default: in the file of --tls-cert)"),
    ("--auth-file",        "FILE",   Path,      None,    "who may authenticate: one name:hash per line, argon2 or bcrypt"),
)
POP3_LISTENERS = (
    ("--pop3",     "where mail is fetched by POP3, by those in --auth-file; no password is taken before STLS, unless "
                   "--auth-allow-insecure is given; repeatable"),
    ("--pop3-tls", "the same, with TLS from the first octet on; repeatable"),
)
ESMTP_SWITCHES = (
    ("--vrfy",                "let VRFY tell who has a mailbox (default: it answers 252 for everybody)"),
    ("--strict-syntax",       "refuse what RFC 5321 forbids and many clients send, such as addresses without <> "
                              "(default: accept it)"),
    ("--tls-auto",            "make a self-signed certificate, and keep it in .tls in the mail directory; for development: "
                              "STARTTLS is offered"),
    ("--fussy",               "say what each client does against the RFCs, at the end of its session: in the log, and with "
                              "--web in its API; no reply changes"),
    ("--require-tls",         "accept no mail before STARTTLS"),
    ("--require-auth",        "accept no mail before AUTH"),
    ("--auth-accept-any",     "accept any name and password; for development"),
    ("--auth-allow-insecure", "offer AUTH without TLS, too (default: under TLS only)"),
)
# fmt: on


# What the program does when it runs; shown at the end of --help and of the reference.
NOTES = (
    (
        "output",
        "When the server listens it prints one line per listener on standard output: listening on HOST:PORT, with (TLS) "
        "behind it for --listen-tls; with --web, --metrics and --pop3 a line each: showing mail on URL, telling figures on "
        "URL, fetching by POP3 on HOST:PORT; with --dev what to set in an application. The log goes to standard error, one "
        "line per event.",
    ),
    (
        "signals",
        "SIGTERM and SIGINT: no new clients; messages on their way have 10 seconds to end; what was accepted is moved to "
        "the mailboxes; then the server exits. A second one stops it at once. SIGHUP: the users file, the certificate and "
        "the auth files are read again; if one is bad, that is logged and the old one stays. With several workers, send "
        "signals to the first process.",
    ),
    (
        "exit codes",
        "0: stopped by a signal, after it listened; with --check: all is well. 1: it cannot run; one line on standard error "
        "says why and what to do; with --check: it says what is wrong with that server. "
        "2: a bad flag.",
    ),
)


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Parses these words, or the command line. Ends the program with one line of text if they are invalid."""
    parser = _parser()
    options = parser.parse_args(words)
    if options.dev:
        given = ["--dialect", "esmtp", *(sys.argv[1:] if words is None else words)]
        options = parser.parse_args([*preset(parser.parse_args(given)), *given])
    serves = not (options.table or options.check or options.database_init or options.database_export)
    names_nobody = options.create_mailboxes is None and options.store != database.NAME
    if options.users_file is None and serves and names_nobody:
        parser.error("USERS_FILE is missing: give a text file with one user name a line, or --create-mailboxes")
    flaw = _flaw(options) or _mailbox_flaw(options) or _pop3_flaw(options) or page_flaw(options) or database.flaw(options)
    if flaw:
        parser.error(flaw)
    return options


_KINDS = (
    "a file DIR/NAME.txt per user, a Maildir DIR/NAME/, nothing at all, for measuring, or a PostgreSQL cluster "
    "(default: %(default)s)"
)


def _parser() -> Arguments:
    parser = Arguments(
        prog="smtpd", allow_abbrev=False, description="Receives mail by SMTP and puts it into one mailbox per user."
    )
    add = parser.add_argument
    users = "the mailboxes that exist: one name per line, in any case; blank lines are ignored, there are no comments"
    add("users_file", metavar="USERS_FILE", nargs="?", type=Path, help=users)
    where = (
        "where to listen: an address, 0.0.0.0 for all of this machine, or a name for all that it has; repeatable; IPv6 as "
        "[::1]:25; port 0 picks a free one "
        "(default: 127.0.0.1:49152, or nothing with --listen-tls)"
    )
    add("--listen", metavar="HOST:PORT", type=checked(addresses.parse), action="append", help=where)
    for flag, shown, kind, default, meaning in VALUES:
        add(flag, metavar=shown, type=kind, default=default, help=f"{meaning} (default: %(default)s)")
    name = "what the server calls itself (default: the machine's name)"
    add("--hostname", metavar="NAME", type=checked(domains.parse_hostname), help=name)
    add("--store", choices=[*STORES, database.NAME], default="mbox", help=_KINDS)
    add("--catch-all", metavar="NAME", help="the user who gets mail for unknown names (default: it is refused)")
    dialect = "the table to speak: classic for learning, esmtp for RFC 5321 (default: %(default)s)"
    add("--dialect", choices=DIALECTS, default="classic", help=dialect)
    refusals = "end a connection after so many refused commands (5yz) in a row; 0: never (default: 0, with esmtp 100)"
    add("--max-refusals", metavar="N", type=number(0), help=refusals)
    _add_esmtp(parser.add_argument_group("with --dialect esmtp"))
    _add_development(parser.add_argument_group("for development"))
    add_page(parser.add_argument_group("to see the mail"), checked(addresses.parse))
    loudness = parser.add_mutually_exclusive_group()
    for flag, level, meaning in (
        ("--verbose", logging.DEBUG, "log dialogues: lines of clients as C:, replies as S:, and states; never a secret"),
        ("--quiet", logging.WARNING, "log warnings and errors only"),
    ):
        loudness.add_argument(flag, action="store_const", const=level, default=logging.INFO, dest="level", help=meaning)
    database.add_flags(parser.add_argument_group("with --store postgres"))
    _add_instead_of_serving(add)
    for title, text in NOTES:
        parser.add_argument_group(title, text)
    return parser


def _add_instead_of_serving(add: Callable[..., object]) -> None:
    table = (
        "print the table of the dialect, as text unless you say otherwise, or that of POP3, or those of the store in "
        "PostgreSQL, and exit"
    )
    add("--table", choices=FORMATS, nargs="?", const="text", help=table)
    asks = (
        "ask the server there whether it is well, within 5 seconds; print one line, and exit with 0 or 1; delivers nothing"
    )
    add("--check", metavar="HOST:PORT", type=checked(addresses.parse), help=asks)
    add("--reference", action=Reference, help="print this help as Markdown and exit")
    add("--version", action="version", version=f"carteiro {VERSION}", help="print the version and exit")


def _add_esmtp(group: "argparse._ArgumentGroup") -> None:
    for flag, shown, kind, default, meaning in ESMTP_VALUES:
        action = "append" if default == [] else "store"
        group.add_argument(flag, metavar=shown, type=kind, action=action, default=default, help=meaning)
    whose = "accept mail for this domain, in Unicode or as xn--; repeatable (default: for every domain)"
    group.add_argument("--domain", metavar="DOMAIN", type=checked(domains.parse), action="append", default=[], help=whose)
    where = "where to listen for TLS from the first octet on; repeatable"
    group.add_argument(
        "--listen-tls", metavar="HOST:PORT", type=checked(addresses.parse), action="append", default=[], help=where
    )
    for flag, where in POP3_LISTENERS:
        group.add_argument(flag, metavar="HOST:PORT", type=checked(addresses.parse), action="append", default=[], help=where)
    for flag, meaning in ESMTP_SWITCHES:
        group.add_argument(flag, action="store_true", help=meaning)
    newlines = "a CR or LF alone in mail data: refuse the message, or make it a line end (default: %(default)s)"
    group.add_argument("--bare-newline", choices=["reject", "normalize"], default="reject", help=newlines)


def _add_development(group: "argparse._ArgumentGroup") -> None:
    stands_for = (
        "what an application needs while it is developed: --dialect esmtp --listen 127.0.0.1:1025 --create-mailboxes "
        "--auth-accept-any --auth-allow-insecure --tls-auto --bare-newline normalize --web (if what the page needs is "
        "installed); other flags, and USERS_FILE, override these"
    )
    group.add_argument("--dev", action="store_true", help=stands_for)
    makes = (
        "make a mailbox for each name that mail comes for, until there are N (1000 if no number is given); USERS_FILE may "
        "be left out then"
    )
    group.add_argument(
        "--create-mailboxes", metavar="N", type=number(1), nargs="?", const=MOST_MAILBOXES, default=None, help=makes
    )


def _flaw(options: argparse.Namespace) -> str:
    """Why these options cannot be combined; "" if they can."""
    of_esmtp = {flag: default for flag, _, _, default, _ in ESMTP_VALUES} | dict.fromkeys(dict(ESMTP_SWITCHES), False)
    of_esmtp |= {"--listen-tls": [], "--domain": [], "--bare-newline": "reject", "--pop3": [], "--pop3-tls": []}
    used = [flag for flag, default in of_esmtp.items() if getattr(options, flag[2:].replace("-", "_")) != default]
    has_tls = options.tls_cert or options.tls_auto
    has_auth = options.auth_file or options.auth_accept_any
    unknown = [name for name in options.hide_extension if name not in EXTENSIONS]
    rules = (
        (options.dialect != "esmtp" and used, f"{' '.join(used)}: only with --dialect esmtp"),
        (unknown, f"--hide-extension {' '.join(unknown)}: no such extension: choose from {', '.join(EXTENSIONS)}"),
        (options.tls_key and not options.tls_cert, "--tls-key: give the certificate, too, with --tls-cert"),
        (options.tls_auto and options.tls_cert, "--tls-auto and --tls-cert: give one of them"),
        (options.require_tls and not has_tls, "--require-tls: give a certificate with --tls-cert, or --tls-auto"),
        (options.listen_tls and not has_tls, "--listen-tls: give a certificate with --tls-cert, or --tls-auto"),
        (
            options.require_tls and "STARTTLS" in options.hide_extension and not options.listen_tls,
            "--require-tls: nobody can begin TLS while STARTTLS is hidden and --listen-tls not given",
        ),
        (options.require_auth and "AUTH" in options.hide_extension, "--require-auth: nobody can while AUTH is hidden"),
        (
            options.auth_allow_insecure and not has_auth,
            "--auth-allow-insecure: give --auth-file or --auth-accept-any, too",
        ),
        (options.auth_file and options.auth_accept_any, "--auth-file and --auth-accept-any: give one of them"),
        (options.require_auth and not has_auth, "--require-auth: give --auth-file or --auth-accept-any"),
        (
            has_auth and not has_tls and not options.auth_allow_insecure,
            "authentication is only taken under TLS: give --tls-cert, or --auth-allow-insecure",
        ),
    )
    return next((words for is_broken, words in rules if is_broken), "")


def _pop3_flaw(options: argparse.Namespace) -> str:
    """The same for the flags of POP3."""
    places = [*options.pop3, *options.pop3_tls]
    beyond = [host for host, _ in places if not is_loopback(host)]
    has_tls = options.tls_cert or options.tls_auto
    rules = (
        (
            places and not options.auth_file and not options.auth_accept_any,
            "--pop3: give --auth-file, which says who may fetch whose mail; or for development --auth-accept-any",
        ),
        (options.pop3_tls and not has_tls, "--pop3-tls: give a certificate with --tls-cert, or --tls-auto"),
        (places and options.store not in (*KINDS, POSTGRES), f"--pop3: nothing can be fetched with --store {options.store}"),
        (
            beyond and options.auth_accept_any,
            f"--pop3 {', '.join(beyond)}: others could fetch all mail: give --auth-file instead",
        ),
    )
    return next((words for is_broken, words in rules if is_broken), "")


def _mailbox_flaw(options: argparse.Namespace) -> str:
    """The same for the flags that say who has a mailbox."""
    creates = options.create_mailboxes is not None
    rules = (
        (
            creates and options.catch_all is not None,
            "--catch-all and --create-mailboxes: give one of them: with the second one no name is unknown",
        ),
        (creates and options.vrfy, "--vrfy: with --create-mailboxes it has nothing to tell: every name may have a mailbox"),
        (options.postmaster is not None and options.users_file is None, "--postmaster: give a USERS_FILE with that name"),
    )
    return next((words for is_broken, words in rules if is_broken), "")
