"""Showing mail over HTTP: the routes, who may come in, and what they need besides the inbox, until standard input ends."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from reactor.loop import Reactor
from reactor.offload import Offload
from storage.accounts.passwords import AuthFileError, Passwords
from web.api.table import routes
from web.application import Application
from web.environment import Outcome, Tools
from web.gate import Authenticate, Gate, Terms
from web.pages.rendering import prepare
from web.pages.routes import pages

from ..page_settings import Settings
from .indexed import IndexedInbox
from .monitor import place_of_figures
from .monitoring import Monitoring
from .serving import Place, serve

log = logging.getLogger("carteiro")

MOST_CHECKS = 32
"""Most passwords that wait to be checked."""


def present(settings: Settings, reactor: Reactor, inbox: IndexedInbox) -> None:
    """Shows what is in the inbox until standard input ends. Then all of it is closed."""
    monitoring = Monitoring(reactor, settings, inbox)
    checks, sending = Offload(reactor), Offload(reactor)
    passwords = Passwords(Path(settings.auth_file)) if settings.auth_file else None
    terms = Terms(settings.hosts, settings.origins, authenticate(passwords, checks), settings.admins)
    gate = Gate(terms, lambda: reactor.now)
    needed = tools(reactor, sending, settings, monitoring)
    rows = [*pages(inbox, needed), *routes(inbox, needed)]
    page = Application(rows, gate, settings.root)
    sending.submit(prepare, lambda _: None)
    places = [Place(settings.descriptors, page), place_of_figures(reactor, settings, monitoring)]
    serve(reactor, places, monitoring.answered, partial(reread, passwords, gate))
    monitoring.close()
    inbox.close()
    checks.close()
    sending.close()
    reactor.close()


def reread(passwords: Passwords | None, gate: Gate) -> None:
    """Reads the file of names again, and lets nobody in by what was right before. A bad file changes nothing."""
    if passwords is None:
        return
    try:
        passwords.reread()
    except AuthFileError as error:
        log.error("%s (what was read before stays)", error)
        return
    gate.forget()
    log.info("web auth file read again: %d name%s", len(passwords), "s" * (len(passwords) != 1))


def authenticate(passwords: Passwords | None, checks: Offload) -> Authenticate | None:
    """Checks passwords in a thread; None if nobody is asked for one."""
    if passwords is None:
        return None

    def check(name: str, password: str, answer: Callable[[bool | None], None]) -> None:
        if checks.waiting >= MOST_CHECKS:
            answer(None)
        else:
            checks.submit(lambda: passwords.check(name.encode(), password.encode()), lambda is_right: answer(bool(is_right)))

    return check


def tools(reactor: Reactor, sending: Offload, settings: Settings, monitoring: Monitoring) -> Tools:
    """What the routes need besides the inbox."""

    def submit(sender: str, recipients: Sequence[str], octets: bytes, answer: Callable[[Outcome], None]) -> None:
        host, port = settings.smtp

        def send() -> Outcome:
            from .submitting import submitted  # only who sends needs smtplib, and its memory

            return submitted((host, port), sender, recipients, octets)

        sending.submit(send, lambda outcome: answer(outcome or Outcome(421, "it failed")))

    def now() -> datetime:
        return datetime.now().astimezone()

    clients = monitoring.clients.latest if settings.is_fussy else None
    return Tools(reactor.call_later, sending.beside, submit, monitoring.figures, now, monitoring.watch, clients)
