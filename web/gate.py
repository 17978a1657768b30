"""Who may ask for what: the Host a request names, the Origin that it comes from, and the name and password in it.

A browser sends requests for any page that it shows. So that no page of another origin can read or delete mail, the Host must
be one of ours (a page may let its own name lead to our address: DNS rebinding), and what changes something, or streams, must
not come from elsewhere. Programs send neither Origin nor Sec-Fetch-Site.
"""

import base64
import binascii
from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from .request import Request
from .response import Response, refusal
from .routing import Access

KEPT = 600.0
"""Seconds for which a password that was right is not checked again."""

MOST_KEPT = 1_000
"""Passwords that are kept."""

LONGEST_SECRET = 1_000
"""Octets of the Authorization field's value that are looked at."""

_UNKNOWN = refusal(401)._replace(fields=(("WWW-Authenticate", 'Basic realm="Login", charset="UTF-8"'),))
_BUSY = refusal(503, "too many passwords wait to be checked: try again")
_LOCAL = {"localhost", "127.0.0.1", "::1"}
_GUARDED = (Access.STREAMING, Access.CHANGING)


class Authenticate(Protocol):
    """Checks a name and a password, now or later. Answers None if too many wait for that."""

    def __call__(self, name: str, password: str, answer: Callable[[bool | None], None]) -> None: ...


class Terms(NamedTuple):
    """Who may come in."""

    hosts: Collection[str] = ()
    """Names besides localhost and the loopback addresses that a Host field may have, without ports; `*` for all."""
    origins: Collection[str] = ()
    """Other origins whose pages may do everything that ours may, as `https://ci.example.org`."""
    authenticate: Authenticate | None = None
    """None: nobody is asked for a name."""
    admins: Collection[str] = ()
    """Who sees all mailboxes. Others see the one with their name."""


class Gate:
    """Lets requests in, or says why not."""

    def __init__(self, terms: Terms, clock: Callable[[], float]) -> None:
        self._terms = terms
        self._clock = clock
        self._known: dict[tuple[str, str], float] = {}

    def refusal_of_host(self, request: Request) -> Response | None:
        """Why a request for this Host is not answered; None if it is."""
        name = _host(request.fields.get("host", ""))
        is_ours = name in _LOCAL or name in self._terms.hosts or "*" in self._terms.hosts
        return None if is_ours else refusal(421, "this name is not known here: name it with --web-host")

    def refusal_of_origin(self, request: Request, access: Access) -> Response | None:
        """Why a page of that origin may not ask for this; None if it may."""
        if access not in _GUARDED:
            return None
        origin = request.fields.get("origin")
        if origin is not None:
            own = urlsplit(origin).netloc.lower() == request.fields.get("host", "").lower() and origin != "null"
            may = own or origin in self._terms.origins
        else:
            may = request.fields.get("sec-fetch-site", "none") in ("same-origin", "none")
        return None if may else Response(b"Blocked due to CORS violation\n", status=403)

    def sharing(self, request: Request) -> tuple[tuple[str, str], ...]:
        """The header fields that let a page of another origin read the answer, if it may (Fetch, CORS)."""
        origin = request.fields.get("origin", "")
        if origin not in self._terms.origins:
            return ()
        return (
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE"),
            ("Access-Control-Allow-Headers", "Authorization, Content-Type, Prefer"),
            ("Vary", "Origin"),
        )

    def admit(self, request: Request, answer: Callable[[Request | Response], None]) -> None:
        """Answers the request with the sight that its client has, or why it may not come in."""
        if self._terms.authenticate is None:
            answer(request)
            return
        name, password = _basic(request.fields.get("authorization", ""))
        key = name, password
        if self._known.get(key, 0.0) > self._clock():
            answer(self._seen_by(request, name))
            return
        if not name:
            answer(_UNKNOWN)
            return

        known = self._known

        def checked(is_right: bool | None) -> None:
            if is_right:
                if known is self._known:  # else it was right before
                    self._remember(key)
                answer(self._seen_by(request, name))
            else:
                answer(_BUSY if is_right is None else _UNKNOWN)

        self._terms.authenticate(name, password, checked)

    def forget(self) -> None:
        """Other names and passwords may be right from now on."""
        self._known = {}

    def _seen_by(self, request: Request, name: str) -> Request | Response:
        """A user sees the mailbox with his name, an admin what he asks for."""
        if name in self._terms.admins:
            return request
        own = name.lower()
        return request._replace(sight=own, is_confined=True) if request.sight in (None, own) else _UNKNOWN

    def _remember(self, key: tuple[str, str]) -> None:
        while len(self._known) >= MOST_KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = self._clock() + KEPT


def _host(field: str) -> str:
    """The name in a Host field, without port and brackets, in lower case."""
    try:
        return (urlsplit("//" + field).hostname or "").lower()
    except ValueError:
        return ""


def _basic(field: str) -> tuple[str, str]:
    """The name and the password in an Authorization field (RFC 7617); empty if there are none."""
    scheme, _, encoded = field[:LONGEST_SECRET].partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password
