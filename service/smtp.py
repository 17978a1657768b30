"""SMTP as it is spoken on a listener: a session for each client, in the dialect that was asked for.

It does not know sockets.
"""

from collections.abc import Callable

from protocol.engine import replies
from protocol.engine.dialect import Dialect
from protocol.engine.environment import Site
from protocol.engine.session import Session
from reactor.stream.conversation import Opener

from .listeners import Speech
from .resources import Resources
from .transcript import observer_for, report_for
from .wiring import site_of


def smtp(dialect: Dialect) -> Callable[[bool], Callable[[Resources], Speech]]:
    """The speech of listeners in this dialect, with TLS from the first octet on or without."""

    def with_tls(is_encrypted: bool) -> Callable[[Resources], Speech]:
        def speak(resources: Resources) -> Speech:
            site = site_of(dialect, resources)
            too_many = replies.TOO_MANY_CONNECTIONS.about(site.hostname).line
            # Who expects TLS at once could not read a refusal.
            return Speech(_opener(site, is_encrypted), b"" if is_encrypted else too_many)

        return speak

    return with_tls


def _opener(site: Site, is_encrypted: bool) -> Opener:
    def open_session(peer: str, wake: Callable[[], None]) -> Session:
        address = peer.rpartition(":")[0].strip("[]")
        return Session(site, address, report_for(peer), wake, is_encrypted, observer_for(peer))

    return open_session
