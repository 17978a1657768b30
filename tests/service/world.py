"""A service in this process."""

from argparse import Namespace
from pathlib import Path

from service.listeners import Listener, open_listeners
from service.options import arguments
from service.serving import Service
from service.smtp import smtp
from service.sources import read
from service.wiring import STORES, dialect_of

from ..kit.support import USERS


def options_of(directory: Path, *flags: str) -> Namespace:
    """As of a command line with a users file, a mail directory and a free port."""
    users = directory / "users.txt"
    users.write_text("\n".join(USERS))
    listen = () if "--listen-tls" in flags else ("--listen", "127.0.0.1:0")
    options = arguments([*listen, "--mail-dir", str(directory / "mailboxes"), *flags, str(users)])
    options.hostname = options.hostname or b"carteiro.example"
    return options


def service_of(options: Namespace) -> tuple[Service, list[Listener]]:
    """With a store of its own."""
    listeners = open_listeners(options, smtp(dialect_of(options)), 1)
    stores = STORES[options.store](options.mail_dir, 1)
    return Service(options, read(options), stores.first, listeners), listeners


def port_of(listener: Listener) -> int:
    port: int = listener.sockets[0].getsockname()[1]
    return port
