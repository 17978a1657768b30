"""A server's certificate and private key: reads them from files, and reads them again on request.

Knows nothing about connections: a new certificate is used for later handshakes only.
"""

import ssl
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from .tls import reason

_NOT_A_PAIR = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")

DAY = 86_400.0
SOON = 14 * DAY
"""A warning is logged this many seconds before a certificate expires."""

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME, which the module ssl does not define. `_warnings` checks the times itself."""


class CertificateError(Exception):
    """A certificate or its key is unusable. The text is one line: which file, why, and what to do."""


class Certificate:
    """A certificate with its chain, and its private key, in two PEM files or in one.

    `warnings` lists problems that do not prevent its use: a key that everybody may read, the dates, a certificate that does
    not name `host` (empty: not checked). Raises CertificateError if the files are unusable.
    """

    def __init__(self, cert: Path, key: Path, host: str = "") -> None:
        self._cert = cert
        self._key = key
        self._host = host
        self.reread()

    def context(self) -> ssl.SSLContext:
        """The context for the next handshake."""
        return self._context

    def reread(self) -> None:
        """Reads the files again. If they are unusable, raises CertificateError and keeps the old certificate."""
        self._context = _load(self._cert, self._key)
        self.warnings = list(_warnings(self._cert, self._key, self._host, self._context))


def _load(cert: Path, key: Path) -> ssl.SSLContext:
    for path in (cert, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise CertificateError(f"{path}: {error.strerror}: give a PEM file that this user may read") from error

    def refuse() -> NoReturn:
        raise CertificateError(f"{key}: the key needs a passphrase: give a key without one (openssl pkey removes it)")

    context = _context()
    try:
        context.load_cert_chain(cert, key, refuse)
    except ssl.SSLError as error:
        raise CertificateError(_trouble(cert, key, error)) from error
    return context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


def _trouble(cert: Path, key: Path, error: ssl.SSLError) -> str:
    """The text of the error. OpenSSL does not say which file is bad, so this tries the certificate alone."""
    if error.reason in _NOT_A_PAIR:
        return f"{key}: the key is not that of the certificate {cert}: give the two that were made together"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cert)
    except ssl.SSLError:
        return f"{cert}: there is no certificate in it: give a PEM file, as 'BEGIN CERTIFICATE' begins it"
    if error.reason and "PEM" not in error.reason and error.library == "SSL":
        return f"{cert}: OpenSSL refuses it: {reason(error)}: make a new certificate"
    return f"{key}: there is no private key in it: give a PEM file, as 'BEGIN PRIVATE KEY' begins it"


# Problems of usable certificates


def _warnings(cert: Path, key: Path, host: str, context: ssl.SSLContext) -> Iterator[str]:
    if key.stat().st_mode & stat.S_IROTH:
        yield f"{key}: everybody may read the private key: chmod 600"
    shown = _shown_to_a_client(cert, context, "")
    if shown is None:
        return
    starts, ends = (ssl.cert_time_to_seconds(str(shown[name])) for name in ("notBefore", "notAfter"))
    now = time.time()
    if now < starts:
        yield f"{cert}: it is not valid before {shown['notBefore']}: look at the clock, or wait"
    elif now > ends:
        yield f"{cert}: it has expired on {shown['notAfter']}: renew it"
    elif now > ends - SOON:
        yield f"{cert}: it expires on {shown['notAfter']}, in {(ends - now) / DAY:.1f} days: renew it"
    if host and _shown_to_a_client(cert, context, host) is None:
        yield f"{cert}: it does not name {host}: clients that check it will leave: give one that does, or another --hostname"


def _shown_to_a_client(cert: Path, context: ssl.SSLContext, host: str) -> Mapping[str, object] | None:
    """The certificate as a client sees it that trusts it and ignores its dates; None: even that client refuses it.

    Does a handshake in memory, since the module ssl has no other way to read a certificate.
    """
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = bool(host)
    trusting.load_verify_locations(cert)
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(back, there, server_hostname=host or None)
    server = context.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except (ssl.SSLError, ValueError):
                return None
    return client.getpeercert()
