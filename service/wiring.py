"""Turns the options into what sessions take: the dialect, the site, the policy.

Knows nothing about sockets.
"""

import argparse
import logging
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from protocol.classic.table import CLASSIC
from protocol.engine import replies
from protocol.engine.dialect import Dialect
from protocol.engine.environment import Authenticate, FindMailbox, Policy, Site
from protocol.engine.replies import Reply
from protocol.esmtp import domains
from protocol.esmtp.table import ESMTP, STRICT_ESMTP
from reactor.offload import Offload
from storage.accounts.newcomers import Newcomers
from storage.contract import Foresighted, Meter, OpenStores, Store, Stores
from storage.files import Files
from storage.mailboxes.mailbox import Mailboxes, MailboxKind
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.mailboxes.present import maildir_names, mbox_names
from storage.mailboxes.told import Tell, ToldMailboxes
from storage.stores.discard import DiscardStores
from storage.stores.mail_stores import MailStores

from . import database
from .resources import Resources
from .sources import Sources

log = logging.getLogger("carteiro")

DIALECTS = {"classic": CLASSIC, "esmtp": ESMTP}
MAX_REFUSALS = {"classic": 0, "esmtp": 100}


class Directory(NamedTuple):
    """A kind of mail directory: what puts mail in its mailboxes, what lists their names, and where one is, for people."""

    mailboxes: MailboxKind
    present: Callable[[Path], list[str]]
    place: str


MAILBOXES = {
    "mbox": Directory(MboxMailboxes, mbox_names, "{directory}/{name}.txt"),
    "maildir": Directory(MaildirMailboxes, maildir_names, "{directory}/{name}/new"),
}
"""The kinds of mailboxes, by the names of --store. `kinds.KINDS` says how they are read."""

STORES: dict[str, OpenStores] = {
    **{name: partial(MailStores, kind.mailboxes) for name, kind in MAILBOXES.items()},
    "discard": DiscardStores,
}

MOST_CHECKS = 32
"""Most passwords that wait to be checked, a tenth of a second each. A further client is told to try again later."""


def stores_of(options: argparse.Namespace, count: int, tell: Tell | None = None, meter: Meter | None = None) -> Stores:
    """The stores that the options choose. `tell` hears of mail that is put in mailboxes, `meter` of the work that it takes.

    Raises StorageError.
    """
    if options.store == database.NAME:
        return database.stores_of(options, count, meter)
    kind = MAILBOXES.get(options.store)
    if kind is None:
        return STORES[options.store](options.mail_dir, count)
    opened = partial(_told, kind.mailboxes, tell) if tell else kind.mailboxes
    return MailStores(opened, options.mail_dir, count, meter=meter)


def _told(kind: MailboxKind, tell: Tell, files: Files, directory: int, where: Path) -> Mailboxes:
    return ToldMailboxes(kind(files, directory, where), tell)


def dialect_of(options: argparse.Namespace) -> Dialect:
    """The dialect that the options choose."""
    return STRICT_ESMTP if options.strict_syntax else DIALECTS[options.dialect]


def site_of(dialect: Dialect, resources: Resources) -> Site:
    """The Site that all sessions of a process in this dialect share."""
    options, store = resources.options, resources.store
    return Site(
        dialect,
        options.hostname,
        _finder(resources),
        store,
        time.time,
        options.max_message_size,
        MAX_REFUSALS[options.dialect] if options.max_refusals is None else options.max_refusals,
        policy_of(options, resources.sources, resources.checks),
        resources.reactor.share,
        resources.counts.stored if resources.counts else None,
        store.refusal if isinstance(store, Foresighted) else _never,
    )


def _never() -> None:
    """A store that does not know beforehand refuses nothing beforehand."""


def newcomers_of(options: argparse.Namespace, store: Store) -> Newcomers | None:
    """The names that get a mailbox when mail comes for them; None: only those in the users file have one."""
    if options.create_mailboxes is None:
        return None
    if options.store == database.NAME:  # which is not asked in the loop
        return Newcomers(options.create_mailboxes, partial(database.present, store))
    kind = MAILBOXES.get(options.store)
    return Newcomers(options.create_mailboxes, partial(kind.present, options.mail_dir) if kind else list)


def place_of(options: argparse.Namespace, name: str) -> str:
    """What becomes of mail for a name, in words behind "mail"."""
    if options.store == database.NAME:
        return f"is put in the database's mailbox {name}"
    kind = MAILBOXES.get(options.store)
    return f"is put in {kind.place.format(directory=options.mail_dir, name=name)}" if kind else "is thrown away"


def _finder(resources: Resources) -> FindMailbox:
    users, newcomers = resources.sources.users, resources.newcomers
    if newcomers is None:
        return users.find if users else database.finder(resources.store)

    def find(name: bytes) -> str | Reply | None:
        mailbox = users.find(name) if users else None
        if mailbox is None and newcomers.may_have_one(name):
            return newcomers.admit(name) or replies.TOO_MANY_MAILBOXES.about(resources.options.create_mailboxes)
        return mailbox

    return find


def policy_of(options: argparse.Namespace, sources: Sources, checks: Offload) -> Policy:
    """The operator's settings for the dialect of RFC 5321."""
    return Policy(
        max_recipients=options.max_recipients,
        max_messages=options.max_messages,
        domains=frozenset(options.domain),
        postmaster=lambda: sources.users.first if sources.users else None,
        verifies=options.vrfy,
        hidden=frozenset(options.hide_extension),
        has_tls=sources.certificate is not None,
        requires_tls=options.require_tls,
        authenticate=authenticate_of(options, sources, checks),
        accepts_any=options.auth_accept_any,
        authenticates_in_clear=options.auth_allow_insecure,
        requires_authentication=options.require_auth,
        mends_newlines=options.bare_newline == "normalize",
    )


def authenticate_of(options: argparse.Namespace, sources: Sources, checks: Offload) -> Authenticate | None:
    """What checks passwords, in a thread; None if clients cannot authenticate."""
    passwords = sources.passwords

    def accept(name: bytes, secret: bytes, answer: Callable[[bool | None], None]) -> Callable[[], None]:
        answer(True)
        return lambda: None

    def check(name: bytes, secret: bytes, answer: Callable[[bool | None], None]) -> Callable[[], None]:
        assert passwords
        if checks.waiting >= MOST_CHECKS:
            answer(None)
            return lambda: None
        return checks.beside(partial(passwords.check, name, secret), answer)

    return accept if options.auth_accept_any else check if passwords else None


def own_name() -> bytes:
    """The machine's name if it is valid in SMTP, else localhost."""
    name = socket.gethostname()
    try:
        return domains.parse_hostname(name)
    except ValueError as error:
        log.warning("the machine's name: %s: the server calls itself localhost, unless you give it a --hostname", error)
        return b"localhost"
