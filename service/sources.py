"""The files that the server reads at the start and again at SIGHUP: users, certificate, passwords.

Knows nothing about how their contents are used.
"""

import argparse
import gc
import logging
from typing import NamedTuple

from reactor.stream.certificate import Certificate, CertificateError
from reactor.stream.self_signed import NoMaker, SelfSigned
from storage.accounts.passwords import AuthFileError, Passwords
from storage.accounts.users import Users, UsersFileError

log = logging.getLogger("carteiro")

SourceError = (UsersFileError, CertificateError, AuthFileError)
"""A file is unreadable or its content invalid. The text is one line: what, where, what to do."""


class Sources(NamedTuple):
    """The contents of the files. All sessions of a process share this object, so `reread` reaches all of them."""

    users: Users | None = None
    certificate: Certificate | SelfSigned | None = None
    passwords: Passwords | None = None

    def reread(self) -> None:
        """Reads all files again. If one is bad, logs that and keeps its old content."""
        for source in self:
            if source:
                _reread(source)
        gc.freeze()


def read(options: argparse.Namespace) -> Sources:
    """Reads the files that the options name. Raises one of `SourceError`."""
    sources = Sources(
        Users(options.users_file, options.catch_all, options.postmaster) if options.users_file else None,
        _certificate(options),
        Passwords(options.auth_file) if options.auth_file else None,
    )
    _warn_of(sources.certificate)
    return sources


def _certificate(options: argparse.Namespace) -> Certificate | SelfSigned | None:
    host = options.hostname.decode()
    if options.tls_auto:
        try:
            return SelfSigned(options.mail_dir / ".tls", host)
        except NoMaker as error:
            if not options.dev or options.require_tls or options.listen_tls:
                raise
            log.warning("%s: going on without STARTTLS", error)
            return None
    return Certificate(options.tls_cert, options.tls_key or options.tls_cert, host) if options.tls_cert else None


def _reread(source: Users | Certificate | SelfSigned | Passwords) -> None:
    try:
        source.reread()
    except SourceError as error:
        log.error("%s (what was read before stays)", error)
        return
    names = {Users: "users file", Certificate: "certificate", SelfSigned: "certificate", Passwords: "auth file"}
    count = "" if isinstance(source, Certificate | SelfSigned) else f": {len(source)} name{'s' * (len(source) != 1)}"
    log.info("%s read again%s", names[type(source)], count)
    _warn_of(source if isinstance(source, Certificate) else None)


def _warn_of(certificate: Certificate | SelfSigned | None) -> None:
    for warning in certificate.warnings if certificate else ():
        log.warning("%s", warning)
