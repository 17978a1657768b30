"""Servers that receive mail for a domain, each for one mailbox of a domain, and told to throw its mail away.

Knows nothing about what is right.
"""

import os
import pwd
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .. import postfix
from ..esmtp_server import esmtp
from ..tls import make_pem
from .running import TO, UNKNOWN, Peer, apart, installed, let_in, output, place_of, running, unused_port

DOMAIN = TO.partition("@")[2]

EXIM = """
primary_hostname = peer.example
qualify_domain = {domain}
spool_directory = {here}/spool
log_file_path = {here}/%slog
pid_file_path = {here}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
smtp_accept_max = 100
tls_advertise_hosts =
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
queue_only = true
acl_smtp_rcpt = of_rcpt
acl_smtp_vrfy = accept
acl_smtp_data = accept
begin acl
of_rcpt:
  accept verify = recipient
begin routers
ours:
  driver = accept
  domains = {domain}
  local_parts = johndoe : postmaster
  transport = nowhere
begin transports
nowhere:
  driver = appendfile
  file = /dev/null
  user = nobody
"""

OPENSMTPD = """
table users {{ johndoe = nobody, postmaster = nobody }}
table ours {{ {to}, postmaster@{domain}, postmaster@peer.example, postmaster }}
action "drop" mda "/bin/true" virtual <users>
match from any for rcpt-to <ours> action "drop"
listen on 127.0.0.1 port {port} hostname peer.example
"""
OPENSMTPD_HOME = (
    "for each in /var/spool /var/lib /run; do mount -t tmpfs none $each; done",
    "mkdir -p /run /var/spool/smtpd /var/lib/opensmtpd/empty",
    "chmod 711 /var/spool/smtpd",
    "cp /etc/passwd /etc/group .",
    "echo 'opensmtpd:x:64001:64001::/var/lib/opensmtpd/empty:/bin/false' >>passwd",
    "echo 'opensmtpq:x:64002:64002::/var/lib/opensmtpd/empty:/bin/false' >>passwd",
    "printf 'opensmtpd:x:64001:\\nopensmtpq:x:64002:\\n' >>group",
    "mount --bind passwd /etc/passwd",
    "mount --bind group /etc/group",
)
"""Its directories and users are compiled in: it gets some that end with it."""

CHASQUID = """
hostname: "peer.example"
smtp_address: "127.0.0.1:{port}"
mail_delivery_agent_bin: "/bin/true"
data_dir: "{here}/data"
mail_log_path: "{here}/log"
"""

MADDY = """
state_dir {here}/state
runtime_dir {here}/run
hostname peer.example
tls off
smtp tcp://127.0.0.1:{port} {{
    destination {to} postmaster {{
        deliver_to dummy
    }}
    default_destination {{
        reject 550 5.1.1 "No such mailbox"
    }}
}}
"""

HARAKA = f"""
exports.hook_rcpt = (next, connection, params) =>
    params[0].address === "{UNKNOWN}" ? next(DENY, "No such mailbox") : next(OK)
exports.hook_queue = (next) => next(OK)
"""


def with_carteiro(directory: Path) -> Iterator[int]:
    """Our own."""
    with esmtp(directory) as server:
        yield server.port


def with_postfix(directory: Path) -> Iterator[int]:
    """Postfix."""
    settings = (
        "relayhost =", f"mydestination = {DOMAIN}", "local_transport = discard:", "smtpd_error_sleep_time = 0",
        f"local_recipient_maps = inline:{{{TO}=x}}",
    )  # fmt: skip
    with postfix.postfix(9, *settings, services="discard unix - - n - - discard\n") as relay:
        assert relay.client.sock
        yield relay.client.sock.getpeername()[1]


def with_exim(_: Path) -> Iterator[int]:
    """Exim."""
    program, port = installed("exim4"), unused_port()
    if os.geteuid() != 0 or not any(user.pw_name == "Debian-exim" for user in pwd.getpwall()):
        pytest.skip("Exim needs root, and the user Debian-exim")
    let_in(program)
    with place_of("Debian-exim") as directory:
        config = directory / "exim.conf"
        config.write_text(EXIM.format(here=directory, port=port, domain=DOMAIN))
        with running([program, "-C", str(config), "-bdf"], directory, port):
            yield port


def with_opensmtpd(directory: Path) -> Iterator[int]:
    """OpenSMTPD."""
    program, port = opensmtpd(), unused_port()
    (directory / "smtpd.conf").write_text(OPENSMTPD.format(port=port, to=TO, domain=DOMAIN))
    command = apart(directory, [program, "-d", "-f", str(directory / "smtpd.conf")], *OPENSMTPD_HOME)
    with running(command, directory, port):
        yield port


def opensmtpd() -> str:
    """Where it is: other servers are called smtpd, too."""
    program = installed("smtpd")
    if "OpenSMTPD" not in output(program, "-h"):
        pytest.skip("OpenSMTPD is not installed, nor in SMTP_PEERS")
    return program


def with_chasquid(directory: Path) -> Iterator[int]:
    """chasquid. It wants a certificate, and users with passwords."""
    program, util, port = installed("chasquid"), installed("chasquid-util"), unused_port()
    pem = make_pem(directory)
    certificates = directory / "certs" / "peer.example"
    certificates.mkdir(parents=True)
    pem.cert.rename(certificates / "fullchain.pem")
    pem.key.rename(certificates / "privkey.pem")
    (directory / "domains" / DOMAIN).mkdir(parents=True)
    (directory / "domains" / DOMAIN / "aliases").write_text("postmaster: johndoe\n")
    (directory / "chasquid.conf").write_text(CHASQUID.format(port=port, here=directory))
    subprocess.run([util, f"-C={directory}", "user-add", TO, "--password=secret"], check=True, capture_output=True)
    with running(apart(directory, [program, "-config_dir", str(directory)]), directory, port):
        yield port


def with_maddy(directory: Path) -> Iterator[int]:
    """maddy."""
    program, port = installed("maddy"), unused_port()
    (directory / "maddy.conf").write_text(MADDY.format(port=port, here=directory, to=TO))
    with running([program, "-config", str(directory / "maddy.conf"), "run"], directory, port):
        yield port


def with_haraka(directory: Path) -> Iterator[int]:
    """Haraka."""
    program, port = installed("haraka"), unused_port()
    subprocess.run([program, "-i", str(directory)], check=True, capture_output=True, timeout=60)
    config = directory / "config"
    (config / "plugins").write_text("peer\n")
    (directory / "plugins" / "peer.js").write_text(HARAKA)
    (config / "smtp.ini").write_text(f"listen=127.0.0.1:{port}\nnodes=0\n")
    (config / "me").write_text("peer.example\n")
    with running(apart(directory, [program, "-c", str(directory)]), directory, port):
        yield port


def version_in(words: str, *command: str) -> str:
    """The version that a program prints behind these words."""
    found = re.search(words + r"\s*v?(\d[\w.]*)", output(*command))
    return found[1] if found else "unknown"


DAEMONS = (
    Peer(
        "Postfix", lambda: version_in("", "postconf", "-dh", "mail_version"),
        "as shipped, one domain, without pauses after errors", with_postfix,
    ),
    Peer("Exim", lambda: version_in("Exim version", installed("exim4"), "-bV"), "one domain, without TLS", with_exim),
    Peer(
        "OpenSMTPD", lambda: version_in("OpenSMTPD", opensmtpd(), "-h"), "one domain, without TLS", with_opensmtpd,
        ("--at-once", "4"),
    ),
    Peer("chasquid", lambda: version_in("chasquid", installed("chasquid"), "--version"), "one domain", with_chasquid),
    Peer("maddy", lambda: version_in("", installed("maddy"), "version"), "one domain, without TLS", with_maddy),
    Peer("Haraka", lambda: version_in("Version:", installed("haraka"), "-v"), "a plugin of three lines", with_haraka),
)  # fmt: skip
