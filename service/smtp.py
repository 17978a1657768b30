"""SMTP on a listener: creates a session for each client, in the dialect that the options choose.

Knows nothing about sockets.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.engine import replies
from protocol.engine.dialect import Dialect
from protocol.engine.environment import Site
from protocol.engine.session import Session
from reactor.stream.conversation import Opener

from .counting import Counts
from .listeners import Speech
from .resources import Resources
from .transcript import observer_for, report_for
from .wiring import site_of

if TYPE_CHECKING:
    from protocol.fussy.overheard import Overheard

    from .fussy import Fussy


def smtp(dialect: Dialect) -> Callable[[bool], Callable[[Resources], Speech]]:
    """Returns the `speak` argument of `open_listeners` for this dialect."""

    def with_tls(is_encrypted: bool) -> Callable[[Resources], Speech]:
        def speak(resources: Resources) -> Speech:
            site = site_of(dialect, resources)
            too_many = replies.TOO_MANY_CONNECTIONS.about(site.hostname).line
            # A client that speaks TLS from the first octet on could not read a refusal in plain text.
            fussy = resources.fussy
            opener = _opener(site, is_encrypted, resources.counts, fussy)
            # Under TLS the client speaks first, so none hurries.
            return Speech(opener, b"" if is_encrypted else too_many, fussy.hurried if fussy and not is_encrypted else None)

        return speak

    return with_tls


def _opener(site: Site, is_encrypted: bool, counts: Counts | None, fussy: "Fussy | None") -> Opener:
    follow = counts.follow if counts else None

    def open_session(peer: str, wake: Callable[[], None]) -> "Session | Overheard":
        address = peer.rpartition(":")[0].strip("[]")
        beside = site, address, report_for(peer), wake, is_encrypted, observer_for(peer), follow
        session = fussy.session(peer, *beside) if fussy else Session(*beside)
        if counts:
            counts.begun(session.state)
        return session

    return open_session
