"""A certificate that signs itself, made with the program openssl.

It does not know who shows it.
"""

import subprocess
from pathlib import Path
from typing import NamedTuple

from bench.peers import PeerError

EC = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
RSA = ("rsa:4096",)
"""A handshake with it takes the server milliseconds of CPU."""


class Pem(NamedTuple):
    """The files of a certificate and its key."""

    cert: Path
    key: Path


def make_pem(directory: Path, key: tuple[str, ...] = EC) -> Pem:
    """For localhost, in a directory. Raises PeerError when that fails."""
    pem = Pem(directory / "cert.pem", directory / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    try:
        files = ["-keyout", str(pem.key), "-out", str(pem.cert)]
        subprocess.run([*command, *files], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise PeerError(f"no certificate could be made with openssl: {error}") from error
    return pem
