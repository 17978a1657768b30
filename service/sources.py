"""The files that the server reads at the start and again at SIGHUP: users, certificate, passwords.

Knows nothing about how their contents are used.
"""

import argparse
import gc
import logging
from typing import NamedTuple

from reactor.stream.certificate import Certificate, CertificateError
from storage.accounts.passwords import AuthFileError, Passwords
from storage.accounts.users import Users, UsersFileError

log = logging.getLogger("carteiro")

SourceError = (UsersFileError, CertificateError, AuthFileError)
"""A file is unreadable or its content invalid. The text is one line: what, where, what to do."""


class Sources(NamedTuple):
    """The contents of the files. All sessions of a process share this object, so `reread` reaches all of them."""

    users: Users | None = None
    certificate: Certificate | None = None
    passwords: Passwords | None = None

    def reread(self) -> None:
        """Reads all files again. If one is bad, logs that and keeps its old content."""
        for source in self:
            if source:
                _reread(source)
        gc.freeze()


def read(options: argparse.Namespace) -> Sources:
    """Reads the files that the options name. Raises one of `SourceError`."""
    key = options.tls_key or options.tls_cert
    sources = Sources(
        Users(options.users_file, options.catch_all, options.postmaster) if options.users_file else None,
        Certificate(options.tls_cert, key, options.hostname.decode()) if key else None,
        Passwords(options.auth_file) if options.auth_file else None,
    )
    _warn_of(sources.certificate)
    return sources


def _reread(source: Users | Certificate | Passwords) -> None:
    try:
        source.reread()
    except SourceError as error:
        log.error("%s (what was read before stays)", error)
        return
    name = {Users: "users file", Certificate: "certificate", Passwords: "auth file"}[type(source)]
    count = "" if isinstance(source, Certificate) else f": {len(source)} name{'s' * (len(source) != 1)}"
    log.info("%s read again%s", name, count)
    _warn_of(source if isinstance(source, Certificate) else None)


def _warn_of(certificate: Certificate | None) -> None:
    for warning in certificate.warnings if certificate else ():
        log.warning("%s", warning)
