"""A self-signed certificate for this machine, made on the spot, and kept in a file until it nears its end.

Knows nothing about connections. The work is left to others: the command openssl, or the package cryptography.
"""

import ipaddress
import logging
import re
import ssl
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .certificate import Certificate, CertificateError

log = logging.getLogger("carteiro.reactor")

DAYS = 365
"""Days for which a certificate is valid."""

PATIENCE = 20.0
"""Seconds that the command may take."""

_ALWAYS = ("localhost", "127.0.0.1", "::1")
_DNS_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")

# Not a CA (RFC 5280 section 4.2.1.9): who trusts it trusts these names, and nothing that its key could sign for others.
_CONFIG = """[req]
prompt = no
distinguished_name = subject
x509_extensions = extensions
[subject]
CN = localhost
[extensions]
subjectAltName = {names}
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
"""


class NoMaker(CertificateError):  # noqa: N818 (what is missing)
    """There is nothing on this machine that makes certificates."""


class SelfSigned:
    """The certificate in `directory`, for `host`, localhost, 127.0.0.1 and ::1: key and certificate in one file, mode 0600.

    It is made if it is missing, is not for `host`, or ends within two weeks. Its elliptic curve (P-256) takes milliseconds.
    `host` is a DNS name, or an address literal of RFC 5321. Raises CertificateError if the file cannot be made, and NoMaker
    if nothing is there to make it with.
    """

    warnings: Sequence[str] = ()

    def __init__(self, directory: Path, host: str) -> None:
        self._path = directory / "self-signed.pem"
        self._host = _plain(host)
        self.reread()

    def context(self) -> ssl.SSLContext:
        """The context for the next handshake."""
        return self._certificate.context()

    def reread(self) -> None:
        """Reads the file again, and makes it anew if that is due. If this raises, the old certificate stays."""
        with suppress(CertificateError, OSError):
            found = Certificate(self._path, self._path, self._host)
            if not found.warnings:
                self._certificate = found
                return
        names = tuple(dict.fromkeys((self._host, *_ALWAYS) if self._host else _ALWAYS))
        try:
            _make(self._path, names)
        except OSError as error:
            raise CertificateError(
                f"{error.filename or self._path}: {error.strerror}: the certificate cannot be kept there"
            ) from error
        self._certificate = Certificate(self._path, self._path)
        log.info("%s: made, a self-signed certificate for %s, valid for %d days", self._path, ", ".join(names), DAYS)


def _plain(host: str) -> str:
    """A host as a certificate names it: an address without brackets, a name without a final dot; "" if it is neither."""
    name = re.sub(r"^ipv6:", "", host.strip("[]"), flags=re.IGNORECASE).rstrip(".").lower()
    return name if _is_address(name) or _DNS_NAME.fullmatch(name) else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _make(path: Path, names: Sequence[str]) -> None:
    """Puts a new certificate with its key at this path, whole or not at all. Raises OSError, CertificateError."""
    path.parent.parent.mkdir(0o700, parents=True, exist_ok=True)
    path.parent.mkdir(0o700, exist_ok=True)
    import tempfile  # which takes long, and only who makes one needs it

    with tempfile.TemporaryDirectory(dir=path.parent, prefix="new-") as scratch:
        made = Path(scratch) / path.name
        made.touch(0o600)
        if not (_by_command(made, names) or _by_package(made, names)):
            raise NoMaker("no certificate can be made: install openssl, or the Python package cryptography")
        made.replace(path)


def _by_command(made: Path, names: Sequence[str]) -> bool:
    """Fills the file by the command openssl; returns whether that was possible. Logs a failure. Raises OSError."""
    import shutil

    openssl = shutil.which("openssl")
    if openssl is None:
        return False
    config = made.with_suffix(".cnf")
    alternatives = ", ".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
    config.write_text(_CONFIG.format(names=alternatives))
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256", "-days", str(DAYS))
    command = [openssl, "req", "-x509", *kind, "-config", str(config), "-keyout", str(made), "-out", str(made)]
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        log.warning("openssl made no certificate in %.0f seconds", PATIENCE)
        return False
    if ended.returncode:
        log.warning(
            "openssl made no certificate: %s", " ".join(ended.stderr.split())[-200:] or f"exit code {ended.returncode}"
        )
    return ended.returncode == 0


def _by_package(made: Path, names: Sequence[str]) -> bool:
    """Fills the file by the package cryptography; returns whether that is installed. Raises OSError."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    except ImportError:
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    alternatives = [
        x509.IPAddress(ipaddress.ip_address(name)) if _is_address(name) else x509.DNSName(name) for name in names
    ]
    purposes = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"), False
    ) | {"encipher_only": False, "decipher_only": False}
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now, now + timedelta(DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **purposes), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    made.write_bytes(secret + certificate.public_bytes(pem))
    return True
