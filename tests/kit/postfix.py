"""Postfix as a client: an instance of its own, in a directory of its own, that relays all its mail to a port.

Knows nothing about the server that listens there. Only root can start it.
"""

import os
import shutil
import signal
import smtplib
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from .support import program, wait_until

MAIN = """
compatibility_level = 3.6
queue_directory = {place}/queue
data_directory = {place}/data
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example
mydestination =
local_recipient_maps =
alias_maps =
relayhost = [127.0.0.1]:{to}
disable_dns_lookups = yes
smtp_tls_loglevel = 1
maillog_file = {place}/log
maillog_file_prefixes = {place}
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
error unix - - n - - error
retry unix - - n - - error
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
smtp unix - - n - - smtp
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Relay(NamedTuple):
    """A client of a Postfix, and the Postfix's log."""

    client: smtplib.SMTP
    log: Path


@contextmanager
def postfix(to: int, *settings: str, services: str = "") -> Iterator[Relay]:
    """A Postfix that relays to this port, with further settings, and services as lines of master.cf."""
    program("postfix")
    if os.geteuid() != 0:
        pytest.skip("only root can start Postfix")
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
    with TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o755)  # the user postfix must get in
        for part in ("conf", "queue", "data"):
            (place / part).mkdir()
        shutil.chown(place / "data", "postfix")
        main = MAIN.format(place=place, to=to) + "\n".join(settings) + "\n"
        (place / "conf" / "main.cf").write_text(main)
        (place / "conf" / "master.cf").write_text(MASTER.format(port=port) + services)
        command = [program("postfix"), "-c", str(place / "conf")]
        try:
            started = subprocess.run([*command, "start"], capture_output=True, timeout=30, check=False)
            assert started.returncode == 0, (place / "log").read_text()
            wait_until(lambda: _listens(port))
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
                yield Relay(client, place / "log")
        finally:
            _end(command, place / "queue" / "pid" / "master.pid")


def _end(command: list[str], pid: Path) -> None:
    """Ends it. Once in hundreds of runs its own way waited for ever: then its processes, a group, are killed."""
    try:
        subprocess.run([*command, "abort"], capture_output=True, timeout=30, check=False, start_new_session=True)
    except subprocess.TimeoutExpired:
        with suppress(OSError, ValueError):
            os.killpg(int(pid.read_text()), signal.SIGKILL)


def _listens(port: int) -> bool:
    with closing(socket.socket()) as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
