"""A server's certificate and private key, read from files, and read again.

It does not know connections; what it loads is for handshakes that are still to come.
"""

import ssl
from pathlib import Path
from typing import NoReturn

from .tls import reason

_NOT_A_PAIR = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


class CertificateError(Exception):
    """A certificate or its key cannot be used. The text is one line: which file, why, and what to do."""


class Certificate:
    """A certificate with its chain, and its private key, in two PEM files, or twice the same one.

    Raises CertificateError when they cannot be used.
    """

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert = cert
        self._key = key
        self._context = _load(cert, key)

    def context(self) -> ssl.SSLContext:
        """What the next handshake is made with."""
        return self._context

    def reread(self) -> None:
        """Reads the files again. Raises CertificateError, and keeps what it has, when they cannot be used."""
        self._context = _load(self._cert, self._key)


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
    """OpenSSL does not say which of the files it means."""
    if error.reason in _NOT_A_PAIR:
        return f"{key}: the key is not that of the certificate {cert}: give the two that were made together"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cert)
    except ssl.SSLError:
        return f"{cert}: there is no certificate in it: give a PEM file, as 'BEGIN CERTIFICATE' begins it"
    if error.reason and "PEM" not in error.reason and error.library == "SSL":
        return f"{cert}: OpenSSL refuses it: {reason(error)}: make a new certificate"
    return f"{key}: there is no private key in it: give a PEM file, as 'BEGIN PRIVATE KEY' begins it"
