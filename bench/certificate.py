"""Makes a self-signed certificate with the program openssl."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from bench.peers import PeerError

EC = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
RSA = ("rsa:4096",)
"""A handshake with this kind of key costs the server milliseconds of CPU time."""


class Pem(NamedTuple):
    """The files of a certificate and its key."""

    cert: Path
    key: Path


def make_pem(directory: Path, key: tuple[str, ...] = EC) -> Pem:
    """Makes a certificate for localhost in a directory. Raises PeerError if that fails."""
    pem = Pem(directory / "cert.pem", directory / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    try:
        files = ["-keyout", str(pem.key), "-out", str(pem.cert)]
        subprocess.run([*command, *files], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise PeerError(f"no certificate could be made with openssl: {error}") from error
    return pem
