"""The preset of --dev: the flags that it stands for, and what it tells people to set in the application that they try out.

Knows nothing about what the flags do.
"""

import argparse
from collections.abc import Sequence

from .listeners import Listener
from .page_settings import missing
from .sources import Sources
from .wiring import place_of

# fmt: off
PRESET = (
    # flag                   value             left out beside
    ("--web",                "",               ("web", "no_web")),
    ("--listen",             "127.0.0.1:1025", ("listen",)),
    ("--create-mailboxes",   "",               ("users_file", "catch_all")),
)
ESMTP_PRESET = (
    ("--auth-accept-any",     "",               ("auth_file",)),
    ("--auth-allow-insecure", "",               ()),
    ("--tls-auto",            "",               ("tls_cert",)),
    ("--bare-newline",        "normalize",      ()),
)
# fmt: on

_ALL_ADDRESSES = ("0.0.0.0", "::")


def preset(given: argparse.Namespace) -> list[str]:
    """The flags to put in front of those that are given beside --dev, which override them."""
    rows = (*PRESET, *(ESMTP_PRESET if given.dialect == "esmtp" else ()))
    cannot_show = bool(missing()) or given.store == "discard"
    return [
        word
        for flag, value, rivals in rows
        if not any(getattr(given, rival) for rival in rivals) and not (flag == "--web" and cannot_show)
        for word in (flag, value)
        if word
    ]


def advice(options: argparse.Namespace, sources: Sources, listeners: Sequence[Listener]) -> list[str]:
    """What to set in an application, and where its mail will be, unless a page shows it."""
    host, port = listeners[0].sockets[0].getsockname()[:2]
    server = "this machine's name" if host in _ALL_ADDRESSES else host
    name = sources.users.first if sources.users else "ana"
    settings = (f"host {server}", f"port {port}", _password(options), _encryption(options, sources))
    return [
        f"set in your application: {'; '.join(settings)}",
        *([] if options.web else [f"mail for {name}@example.com {place_of(options, name)}"]),
    ]


def _password(options: argparse.Namespace) -> str:
    if options.auth_file:
        return f"a name and password of {options.auth_file}"
    if options.auth_accept_any:
        return "any name and any password" if options.require_auth else "any name and any password, or none"
    return "no password"


def _encryption(options: argparse.Namespace, sources: Sources) -> str:
    if sources.certificate is None:
        return "no TLS"
    certificate = " (with a self-signed certificate)" if options.tls_auto else ""
    return f"STARTTLS{certificate}{'' if options.require_tls else ', or no TLS'}"
