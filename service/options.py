"""Every flag of the server: what it is called, what it may be, and which go together.

It does not know what any of them does.
"""

import argparse
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from protocol.esmtp import domains
from protocol.esmtp.extensions import EXTENSIONS
from reactor.stream import addresses

from . import VERSION
from .wiring import DIALECTS, FORMATS, STORES

T = TypeVar("T")


class Arguments(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def told(parse: Callable[[str], T]) -> Callable[[str], T]:
    """A kind of value whose ValueError says what to write."""

    def kind(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return kind


def size(text: str) -> int:
    """A number of octets; K, M and G are powers of 1024."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text.upper())
    if not match or not int(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: write 25M or 26214400")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def number(least: int) -> Callable[[str], int]:
    """A whole number that is not below `least`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d+", text) or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
        return int(text)

    return parse


def seconds(text: str) -> float:
    """A time span."""
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", text) or not float(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds: write 300 or 0.5")
    return float(text)


# fmt: off
VALUES = (
    # flag                 shown as   is         default              meaning
    ("--mail-dir",         "DIR",     Path,      Path("mailboxes"),   "where the mailboxes are"),
    ("--max-message-size", "SIZE",    size,      "25M",               "largest message: octets, or 500K, 25M, 1G"),
    ("--max-connections",  "N",       number(1), 10_000,              "most clients at once"),
    ("--workers",          "N",       number(0), 1,                   "processes that share the work; 0: one a core"),
    ("--idle-timeout",     "SECONDS", seconds,   300.0,               "after so long without a byte a client is sent away"),
)

# What only the dialect esmtp knows.
ESMTP_VALUES: tuple[tuple[str, str, Callable[[str], Any], Any, str], ...] = (
    # flag                 shown as  is         default meaning
    ("--max-recipients",   "N",      number(1), 1000,    "most recipients of a message (default: 1000)"),
    ("--max-messages",     "N",      number(0), 0,       "most messages on a connection (default: 0, any number)"),
    ("--postmaster",       "NAME",   str,       None,    "who is postmaster (default: postmaster, --catch-all, the first)"),
    ("--hide-extension",   "NAME",   str.upper, [],      "an extension that is not offered; repeatable"),
    ("--tls-cert",         "FILE",   Path,      None,    "certificate and chain, PEM: STARTTLS is offered"),
    ("--tls-key",          "FILE",   Path,      None,    "its private key, PEM (default: in the certificate's file)"),
    ("--auth-file",        "FILE",   Path,      None,    "who may authenticate: name:hash a line, argon2 or bcrypt"),
)
ESMTP_SWITCHES = (
    ("--vrfy",                "VRFY tells who has a mailbox"),
    ("--strict-syntax",       "refuse what RFC 5321 forbids and many clients send: addresses without <>, ..."),
    ("--require-tls",         "no mail before STARTTLS"),
    ("--require-auth",        "no mail before AUTH"),
    ("--auth-accept-any",     "any name and password will do: for development"),
    ("--auth-allow-insecure", "AUTH also without TLS"),
)
# fmt: on


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What these words ask for, or those of the command line. Ends the program with one line when that cannot be."""
    parser = Arguments(prog="smtpd", description="Receives mail by SMTP into one mailbox a user.")
    add = parser.add_argument
    add("users_file", metavar="USERS_FILE", nargs="?", type=Path, help="the mailboxes that exist: one name a line")
    where = "where to listen; repeatable; IPv6 as [::1]:25; port 0 picks one (default: 127.0.0.1:49152)"
    add("--listen", metavar="HOST:PORT", type=told(addresses.parse), action="append", help=where)
    for flag, shown, kind, default, meaning in VALUES:
        add(flag, metavar=shown, type=kind, default=default, help=f"{meaning} (default: %(default)s)")
    name = "what the server calls itself (default: the machine's name)"
    add("--hostname", metavar="NAME", type=told(domains.parse_hostname), help=name)
    add(
        "--store",
        choices=STORES,
        default="mbox",
        help="files NAME.txt, Maildirs NAME/, or nothing (default: %(default)s)",
    )
    add("--catch-all", metavar="NAME", help="the user who gets what is for names that are not in USERS_FILE")
    add("--dialect", choices=DIALECTS, default="classic", help="the table that is spoken (default: %(default)s)")
    refusals = "commands refused for good in a row that end a connection; 0: never (default: 0, with esmtp 100)"
    add("--max-refusals", metavar="N", type=number(0), help=refusals)
    _add_esmtp(parser.add_argument_group("with --dialect esmtp"))
    loudness = parser.add_mutually_exclusive_group()
    for flag, level, meaning in (
        ("--verbose", logging.DEBUG, "log the dialogue and the states of each session"),
        ("--quiet", logging.WARNING, "log warnings and errors only"),
    ):
        loudness.add_argument(flag, action="store_const", const=level, default=logging.INFO, dest="level", help=meaning)
    add("--table", choices=FORMATS, nargs="?", const="text", help="print the dialect's table and exit")
    add("--version", action="version", version=f"carteiro {VERSION}")
    options = parser.parse_args(words)
    if options.users_file is None and options.table is None:
        parser.error("USERS_FILE is missing: give a text file with one user name a line")
    flaw = _flaw(options)
    if flaw:
        parser.error(flaw)
    return options


def _add_esmtp(group: "argparse._ArgumentGroup") -> None:
    for flag, shown, kind, default, meaning in ESMTP_VALUES:
        action = "append" if default == [] else "store"
        group.add_argument(flag, metavar=shown, type=kind, action=action, default=default, help=meaning)
    whose = "a domain that mail is taken for; repeatable (default: all)"
    group.add_argument("--domain", metavar="DOMAIN", type=told(domains.parse), action="append", default=[], help=whose)
    where = "where to listen for TLS from the first byte on; repeatable"
    group.add_argument(
        "--listen-tls", metavar="HOST:PORT", type=told(addresses.parse), action="append", default=[], help=where
    )
    for flag, meaning in ESMTP_SWITCHES:
        group.add_argument(flag, action="store_true", help=meaning)
    newlines = "what a CR or LF alone in mail data is: refused, or made a line end (default: %(default)s)"
    group.add_argument("--bare-newline", choices=["reject", "normalize"], default="reject", help=newlines)


def _flaw(options: argparse.Namespace) -> str:
    """Why these options make no sense together; "" when they do."""
    of_esmtp = {flag: default for flag, _, _, default, _ in ESMTP_VALUES} | dict.fromkeys(dict(ESMTP_SWITCHES), False)
    of_esmtp |= {"--listen-tls": [], "--domain": [], "--bare-newline": "reject"}
    used = [flag for flag, default in of_esmtp.items() if getattr(options, flag[2:].replace("-", "_")) != default]
    has_auth = options.auth_file or options.auth_accept_any
    unknown = [name for name in options.hide_extension if name not in EXTENSIONS]
    rules = (
        (options.dialect != "esmtp" and used, f"{' '.join(used)}: only with --dialect esmtp"),
        (unknown, f"--hide-extension {' '.join(unknown)}: there are {', '.join(EXTENSIONS)}"),
        (options.tls_key and not options.tls_cert, "--tls-key: give the certificate, too, with --tls-cert"),
        (options.require_tls and not options.tls_cert, "--require-tls: give a certificate with --tls-cert"),
        (options.listen_tls and not options.tls_cert, "--listen-tls: give a certificate with --tls-cert"),
        (
            options.require_tls and "STARTTLS" in options.hide_extension and not options.listen_tls,
            "--require-tls: nobody can begin TLS while STARTTLS is hidden and --listen-tls not given",
        ),
        (options.require_auth and "AUTH" in options.hide_extension, "--require-auth: nobody can while AUTH is hidden"),
        (options.auth_file and options.auth_accept_any, "--auth-file and --auth-accept-any: give one of them"),
        (options.require_auth and not has_auth, "--require-auth: give --auth-file or --auth-accept-any"),
        (
            has_auth and not options.tls_cert and not options.auth_allow_insecure,
            "authentication is only taken under TLS: give --tls-cert, or --auth-allow-insecure",
        ),
    )
    return next((words for is_broken, words in rules if is_broken), "")
